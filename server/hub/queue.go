package hub

// queue is a list of shards linked through their after field: a shard is in one queue at most.
type queue struct{ first, last *shard }

func (q *queue) push(sh *shard) {
	if q.last == nil {
		q.first = sh
	} else {
		q.last.after = sh
	}
	q.last = sh
}

func (q *queue) pushFront(sh *shard) {
	sh.after = q.first
	q.first = sh
	if q.last == nil {
		q.last = sh
	}
}

// pop takes the first shard, nil if there is none.
func (q *queue) pop() *shard {
	sh := q.first
	if sh == nil {
		return nil
	}
	q.first, sh.after = sh.after, nil
	if q.first == nil {
		q.last = nil
	}
	return sh
}
