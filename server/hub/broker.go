package hub

// Publication is one thing said in a room.
type Publication struct {
	Room    *Room
	Status  byte   // 1 is a chat message, 0 a leave
	Members []byte // the object's members without braces, `"k":v,...`, valid JSON; not retained
	Key     string // chosen by the client: a repeat within keyMemory is not published again; "" is none
	Now     int64  // Unix seconds
}

// Result says what became of a publication.
type Result struct {
	Offset uint64
	Epoch  string
	Repeat bool // the key was seen before; Offset is the first one's
}

// Broker carries publications to every node, in one order per room, this node included. A publication always goes through
// the broker and comes back through Room.Deliver, on one node as on fifty.
type Broker interface {
	// Publish takes p, whose bytes it copies if it keeps them. Where the outcome is known at once it returns it and true;
	// where it is not, ack is told later unless it is nil.
	Publish(p Publication, ack Acker) (res Result, done bool)
}

// Acker is told what became of a publication, on a goroutine of the broker's.
type Acker interface {
	Published(Result, error)
}

// localBroker is the broker of a node that is alone.
type localBroker struct{}

func (localBroker) Publish(p Publication, _ Acker) (Result, bool) { return p.Room.Deliver(p), true }
