package server

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"net/http"
	"strconv"
	"time"

	"rookery/codec"
)

// Plain HTTP on the same port, in order: serveHTTP waits for the body, dispatch hands the whole request to a bounded pool
// of goroutines, answer takes the response back to the loop. One request of a connection is served at a time; what is
// pipelined behind it is held, up to the size of one request.

type httpState struct {
	need     int // bytes of the request being collected, head and body
	deadline time.Time
	busy     bool
}

// serveHTTP takes a request head of r, whose bytes are head, followed by rest.
func (c *Conn) serveHTTP(r *codec.Request, head, rest []byte) {
	length, herr := c.bodyLength(r)
	if herr != nil {
		c.refuse(CauseBadHandshake, herr)
		return
	}
	if c.http == nil {
		c.http = &httpState{}
	}
	c.http.need = len(head) + length
	c.state = stateHTTP
	if len(rest) < length && r.Expect {
		_ = c.push([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
	}
	whole := make([]byte, 0, c.http.need)
	whole = append(append(whole, head...), rest...)
	c.dropHead()
	c.growHead(whole)
	c.dispatch()
}

// errOnlyWebSocket names the protocol to change to, as RFC 9110 section 15.5.22 has it.
var errOnlyWebSocket = &codec.HTTPError{Status: http.StatusUpgradeRequired, Reason: "this is a WebSocket endpoint",
	Header: []codec.HTTPField{{Name: "Connection", Value: "Upgrade"}, {Name: "Upgrade", Value: "websocket"}}}

func (c *Conn) bodyLength(r *codec.Request) (int, *codec.HTTPError) {
	srv := c.loop.srv
	if srv.cfg.HTTP == nil {
		return 0, errOnlyWebSocket
	}
	if r.Chunked {
		return 0, &codec.HTTPError{Status: http.StatusLengthRequired, Reason: "send the body with a Content-Length"}
	}
	if r.ContentLength > int64(srv.cfg.MaxBody) {
		return 0, &codec.HTTPError{Status: http.StatusRequestEntityTooLarge, Reason: "the body is larger than " + strconv.Itoa(srv.cfg.MaxBody) + " bytes (max-body)"}
	}
	return int(r.ContentLength), nil
}

// holdPipelined takes input that comes while a request is collected or served.
func (c *Conn) holdPipelined(b []byte) {
	srv := c.loop.srv
	c.growHead(b)
	if !c.http.busy {
		c.dispatch()
		return
	}
	if len(c.head) > srv.cfg.MaxHeader+srv.cfg.MaxBody {
		c.refuse(CauseBadHandshake, &codec.HTTPError{Status: http.StatusTooManyRequests, Reason: "too much is pipelined behind a request"})
	}
}

// dispatch hands the collected request to a worker once it is whole.
func (c *Conn) dispatch() {
	if len(c.head) < c.http.need {
		return
	}
	request := bytes.Clone(c.head[:c.http.need])
	rest := bytes.Clone(c.head[c.http.need:])
	c.dropHead()
	if len(rest) > 0 {
		c.growHead(rest)
	}
	c.http.busy = true
	c.http.deadline = time.Now().Add(time.Minute)
	job := httpJob{c: c, request: request, remote: c.RemoteAddr().String(), keepAlive: c.refused == CauseNone, tls: c.TLS()}
	select {
	case c.loop.srv.jobs <- job:
	default:
		c.refuse(CauseOverCapacity, &codec.HTTPError{Status: http.StatusServiceUnavailable, Reason: "too many requests wait (http-workers)"})
	}
}

// answer sends a worker's response and goes on with the next request.
func (c *Conn) answer(response []byte, keepAlive bool) {
	if c.gone || c.state != stateHTTP {
		return
	}
	if !keepAlive || c.loop.srv.stopping.Load() {
		c.record(CauseHTTPDone, 0, "")
		c.finishHTTP(response)
		return
	}
	if c.push(response) != nil {
		return
	}
	c.http.busy = false
	c.http.deadline = time.Now().Add(c.loop.srv.cfg.HandshakeTimeout)
	c.state = stateHandshake
	if len(c.head) > 0 {
		pending := c.head
		c.dropHead()
		c.input(pending)
	}
}

type httpJob struct {
	c         *Conn
	request   []byte
	remote    string
	keepAlive bool
	tls       *tls.ConnectionState
}

// httpWorker serves requests until the server stops. It is the only goroutine that touches a handler of Config.HTTP.
func (s *Server) httpWorker() {
	for {
		select {
		case job := <-s.jobs:
			response, keepAlive := s.serveJob(job)
			job.c.loop.Post(func() { job.c.answer(response, keepAlive) })
		case <-s.done:
			return
		}
	}
}

func (s *Server) serveJob(job httpJob) (response []byte, keepAlive bool) {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(job.request)))
	if err != nil {
		return codec.AppendHTTPError(nil, &codec.HTTPError{Status: http.StatusBadRequest, Reason: "malformed request"}), false
	}
	r.RemoteAddr, r.TLS = job.remote, job.tls
	w := &responseBuffer{header: http.Header{}}
	s.callHTTP(w, r)
	keepAlive = job.keepAlive && !r.Close && r.ProtoAtLeast(1, 1) && !s.stopping.Load()
	return w.bytes(r, keepAlive), keepAlive
}

func (s *Server) callHTTP(w *responseBuffer, r *http.Request) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("HTTP handler panicked", "path", r.URL.Path, "panic", p)
			*w = responseBuffer{header: http.Header{}}
			http.Error(w, "internal error", http.StatusInternalServerError)
		}
	}()
	s.cfg.HTTP.ServeHTTP(w, r)
}
