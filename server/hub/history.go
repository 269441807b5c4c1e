package hub

// AppendBefore appends to dst a JSON array of the newest publications below offset before, oldest first: at most limit of
// them and about maxBytes bytes. Any goroutine.
func (r *Room) AppendBefore(dst []byte, before uint64, limit, maxBytes int) []byte {
	v := r.log.view()
	end := min(before, v.head+1)
	from := end
	oldest := max(v.oldest(), r.historyStart(&v))
	for size, count := 0, 0; from > oldest && count < limit; from-- {
		run := v.read(from-1, false)
		if run.first != from-1 || run.count == 0 {
			continue // withdrawn
		}
		size += int(run.t.ends[run.index] - run.t.start(run.index))
		if size > maxBytes && count > 0 {
			break
		}
		count++
	}
	return v.appendArray(dst, from, end, 1<<30, 1<<30)
}

// AppendAfter is the same for the oldest publications above offset after.
func (r *Room) AppendAfter(dst []byte, after uint64, limit, maxBytes int) []byte {
	v := r.log.view()
	from := max(min(after, v.head)+1, v.oldest(), r.historyStart(&v))
	return v.appendArray(dst, from, v.head+1, limit, maxBytes)
}

// appendArray appends the entries that are not withdrawn, from offset from on and below end.
func (v *view) appendArray(dst []byte, from, end uint64, limit, maxBytes int) []byte {
	dst = append(dst, '[')
	start := len(dst)
	for from < end && limit > 0 && len(dst)-start < maxBytes {
		run := v.read(from, false)
		for i := 0; i < run.count && run.first+uint64(i) < end && limit > 0 && len(dst)-start < maxBytes; i++ {
			if len(dst) > start {
				dst = append(dst, ',')
			}
			frame := run.t.buf[run.t.start(run.index+i):run.t.ends[run.index+i]]
			dst = append(dst, payload(frame)...)
			limit--
		}
		from = run.next()
	}
	return append(dst, ']')
}

// payload cuts the header off an unmasked frame, RFC 6455 section 5.2.
func payload(frame []byte) []byte {
	switch frame[1] {
	case 126:
		return frame[4:]
	case 127:
		return frame[10:]
	}
	return frame[2:]
}

// Redact withdraws one publication: joins, resumes and members still behind it pass over it, and a notice tells the others.
// It reports whether the log still had it. Any goroutine.
func (r *Room) Redact(offset uint64) bool {
	r.mu.Lock()
	v := r.log.view()
	if offset > v.head || offset < v.oldest() || offset == 0 {
		r.mu.Unlock()
		return false
	}
	for i := len(v.segments) - 1; i >= 0; i-- {
		if s := v.segments[i]; s.first <= offset {
			s.withdraw(int(offset - s.first))
			break
		}
	}
	r.mu.Unlock()
	r.notify(redactionNotice, r.hub.cfg.RedactedFrame(r, offset))
	return true
}

// Purge withdraws every publication so far. It returns the offset of the last one.
func (r *Room) Purge() uint64 {
	r.mu.Lock()
	head := r.log.head.Load()
	r.log.purged.Store(head)
	r.drop()
	r.mu.Unlock()
	r.notify(redactionNotice, r.hub.cfg.PurgedFrame(r, head))
	return head
}

// trim frees all segments but the newest. Under Room.mu.
func (r *Room) trim() {
	list := r.log.list()
	if len(list) < 2 {
		return
	}
	newest := list[len(list)-1:]
	r.log.segments.Store(&newest)
	freed := int64(r.log.memory - newest[0].memory())
	r.log.memory -= int(freed)
	r.logBytes -= freed
	r.hub.logBytes.Add(-freed)
}

// drop frees the log's segments. Under Room.mu.
func (r *Room) drop() {
	r.log.segments.Store(nil)
	r.hub.logBytes.Add(-r.logBytes)
	r.log.memory, r.logBytes = 0, 0
}
