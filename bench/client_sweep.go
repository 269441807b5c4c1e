package main

// A drained connection need not be read the moment something arrives: nobody times its messages, they are
// only counted. It is left out of epoll's readable set and read at intervals, many messages at a time, which
// takes the client from as expensive as the server to a fraction of it. The kernel receives and acknowledges
// all the same, and the interval is short against the receive buffer, so the server notices nothing.

// sweepBytes is how much may wait on one drained connection: a quarter of the usual initial receive buffer.
const (
	sweepBytes   = 32 << 10
	slowestSweep = int64(1e9)
	lastSweeps   = int64(100e6) // once everything has been sent, the count should be final soon
	sweepSlice   = 32           // reads per turn
)

// sweepInterval returns the interval for members that get bytes per second each.
func sweepInterval(bytesPerSecond float64) int64 {
	if bytesPerSecond <= 0 {
		return slowestSweep
	}
	return max(min(int64(sweepBytes/bytesPerSecond*1e9), slowestSweep), tickEvery)
}

// swept reports whether the connection is read by sweeps alone.
func (c *client) swept(k *conn) bool { return !k.parsed && c.plan.Sweep > 0 && !c.plan.TLS }

// earnSweep adds the reads that have become due by time t.
func (c *client) earnSweep(t int64) {
	if c.plan.Sweep == 0 || c.stalled || len(c.conns) == 0 {
		return
	}
	interval := c.plan.Sweep
	if c.run != nil && c.run.Sweep > 0 {
		interval = c.run.Sweep
	}
	if r := c.run; r != nil && r.Pacer.Count > 0 && t > r.Pacer.due(r.Pacer.Count-1) {
		interval = min(interval, lastSweeps)
	}
	n := float64(len(c.conns))
	c.sweepDue = min(c.sweepDue+n*float64(t-c.sweptAt)/float64(interval), n)
	c.sweptAt = t
}

// sweep does a few of the reads that are due. A turn does no more, because parsed connections, whose messages
// are timed, and due messages must not wait for those that are only counted.
func (c *client) sweep() {
	for range sweepSlice {
		if c.sweepDue < 1 {
			return
		}
		c.sweepDue--
		if c.sweepAt >= len(c.conns) {
			c.sweepAt = 0
		}
		i := int32(c.sweepAt)
		c.sweepAt++
		if k := &c.conns[i]; c.swept(k) && (k.state == open || k.state == shutting) {
			c.read(i)
		}
	}
}
