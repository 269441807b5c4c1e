package hub

const (
	keyMemory = 120    // seconds that a key is remembered
	maxKeys   = 10_000 // keys that a room remembers
)

// keyring remembers the keys of a room's latest publications, so that a client can repeat a publication whose answer it did
// not see.
type keyring struct {
	offsets map[string]uint64
	queue   []keyAge // oldest first, from head on
	head    int
}

type keyAge struct {
	key string
	at  int64
}

func (k *keyring) find(key string, now int64) (uint64, bool) {
	if k == nil {
		return 0, false
	}
	k.expire(now, maxKeys)
	offset, ok := k.offsets[key]
	return offset, ok
}

func (k *keyring) add(key string, offset uint64, now int64) {
	if k.offsets == nil {
		k.offsets = make(map[string]uint64)
	}
	k.expire(now, maxKeys-1)
	k.offsets[key] = offset
	k.queue = append(k.queue, keyAge{key, now})
}

func (k *keyring) expire(now int64, most int) {
	for k.head < len(k.queue) && (now-k.queue[k.head].at >= keyMemory || len(k.queue)-k.head > most) {
		delete(k.offsets, k.queue[k.head].key)
		k.queue[k.head] = keyAge{}
		k.head++
	}
	if k.head > 64 && k.head > len(k.queue)/2 {
		k.queue = append([]keyAge(nil), k.queue[k.head:]...)
		k.head = 0
	}
}
