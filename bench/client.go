package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// client is one load-generating process: a single epoll loop, locked to one thread, that opens, reads and
// writes all its connections with plain system calls. Everything in it is owned by the loop; the goroutines
// beside it (the reader of orders, TLS handshakes) only send on channels.
//
// One turn of the loop:
//  1. wait for events, or for the timer: the next message due or the next probe of the own lag
//  2. read what arrived (client_recv.go), finish handshakes (dial.go)
//  3. send what is due (client_send.go)
//  4. on a tick: take orders, start dials, tell progress (client_orders.go)
type client struct {
	ep, timer int
	conns     []conn
	buf       []byte
	events    []unix.EpollEvent
	again     []int32 // connections that had more to read than one visit takes

	orders  <-chan order
	answers *json.Encoder

	dial  dialer
	plan  connectOrder
	run   *run
	cut   *cutOrder
	seed  uint32
	bytes uint64

	tickEvery int64
	nextTick  int64
	nextTell  int64
	armed     int64 // when the timer goes off
	lag       latencies
	stalled   bool
	sweptAt   int64
	sweepAt   int
	sweepDue  float64
	closing   *closeState
	streams   *streams
	done      bool
}

const (
	readBuffer = 256 << 10
	batch      = 128 // events per turn: bounds how late a due message can be noticed
	tickEvery  = int64(5 * time.Millisecond)
	tellEvery  = int64(100 * time.Millisecond)
)

// runClient is the hidden sub-command: it obeys orders from in until its end.
func runClient(in io.Reader, out io.Writer) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c, err := newClient(out)
	if err != nil {
		return err
	}
	orders := make(chan order, 16)
	c.orders = orders
	go readOrders(in, orders)
	for !c.done {
		if err := c.turn(); err != nil {
			c.tell(answer{Error: err.Error()})
			return err
		}
	}
	return nil
}

func newClient(out io.Writer) (*client, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create: %w", err)
	}
	timer, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("timerfd_create: %w", err)
	}
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: timerEvent}
	if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, timer, &ev); err != nil {
		return nil, fmt.Errorf("epoll_ctl: %w", err)
	}
	return &client{
		ep: ep, timer: timer,
		buf:       make([]byte, readBuffer),
		events:    make([]unix.EpollEvent, batch),
		answers:   json.NewEncoder(out),
		seed:      uint32(os.Getpid())*2654435761 | 1,
		tickEvery: tickEvery,
		nextTick:  now() + tickEvery,
		lag:       newLatencies(fine),
	}, nil
}

// readOrders decodes orders until the pipe ends, and closes the channel then.
func readOrders(in io.Reader, orders chan<- order) {
	defer close(orders)
	dec := json.NewDecoder(bufio.NewReader(in))
	for {
		var o order
		if dec.Decode(&o) != nil {
			return
		}
		orders <- o
	}
}

func (c *client) tell(a answer) {
	// A coordinator that is gone closes our stdin as well; that ends the client.
	_ = c.answers.Encode(a)
}

// random returns the next number of a xorshift: mask keys and samples need no better.
func (c *client) random() uint32 {
	c.seed ^= c.seed << 13
	c.seed ^= c.seed >> 17
	c.seed ^= c.seed << 5
	return c.seed
}
