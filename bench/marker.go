package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// A marker is what makes a message recognisable when it comes back, whatever the server wrapped around it:
//
//	~rk RR SSSSS QQQQQQQQ DDDDDDDDDDDDDDDD      (without the spaces)
//
// run, stream, sequence number within the stream and due time, in lower-case hex of fixed width, so that it
// is found by one scan and survives inside a JSON string, a URL or a line of text.
const (
	markerPrefix = "~rk"
	markerLen    = len(markerPrefix) + 2 + 5 + 8 + 16
	maxStreams   = 1 << 20
	markerField  = "{{marker}}" // where the template wants the marker
	padField     = "{{pad}}"    // where the template wants the filling, up to the payload size
	roomField    = "{{room}}"   // where a path or a template wants the room's name
	connField    = "{{conn}}"   // where a path wants the connection's number
)

// marker identifies one published message.
type marker struct {
	run    uint8
	stream uint32
	seq    uint32
	due    int64
}

const hexDigits = "0123456789abcdef"

// put writes the marker into b, which must hold markerLen bytes.
func (m marker) put(b []byte) {
	copy(b, markerPrefix)
	putHex(b[3:5], uint64(m.run))
	putHex(b[5:10], uint64(m.stream))
	putHex(b[10:18], uint64(m.seq))
	putHex(b[18:34], uint64(m.due))
}

func putHex(b []byte, v uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = hexDigits[v&15]
		v >>= 4
	}
}

// findMarker returns the marker inside a message, and false if there is none.
func findMarker(payload []byte) (marker, bool) {
	at := bytes.Index(payload, []byte(markerPrefix))
	if at < 0 || len(payload)-at < markerLen {
		return marker{}, false
	}
	b := payload[at : at+markerLen]
	run, ok1 := parseHex(b[3:5])
	stream, ok2 := parseHex(b[5:10])
	seq, ok3 := parseHex(b[10:18])
	due, ok4 := parseHex(b[18:34])
	return marker{uint8(run), uint32(stream), uint32(seq), int64(due)}, ok1 && ok2 && ok3 && ok4
}

// hexValue holds the value of each lower-case hex digit, and 0xff for every other byte.
var hexValue = func() (t [256]uint8) {
	for i := range t {
		t[i] = 0xff
	}
	for i := range len(hexDigits) {
		t[hexDigits[i]] = uint8(i)
	}
	return t
}()

func parseHex(b []byte) (v uint64, ok bool) {
	var bad uint8
	for _, c := range b {
		d := hexValue[c]
		bad |= d
		v = v<<4 | uint64(d&15)
	}
	return v, bad&0xf0 == 0
}

// message is a template rendered to its final size, with the place of the marker known.
type message struct {
	text []byte
	at   int
}

// defaultTemplate is an object of Rookery's plain dialect; to any other server it is just text.
const defaultTemplate = `{"nickname":"b","message":"` + markerField + padField + `"}`

// sayTemplate publishes through the rookery.v1 dialect.
const sayTemplate = `{"op":"say","room":"` + roomField + `","message":"` + markerField + padField + `"}`

var errNoMarker = errors.New("the message template has no " + markerField + ": bench could not recognise what comes back")

// newMessage renders the template to size bytes. A size below what the template needs is an error that says
// how much it needs; zero means as small as the template allows.
func newMessage(template string, size int) (message, error) {
	if !strings.Contains(template, markerField) {
		return message{}, errNoMarker
	}
	if strings.Count(template, markerField) > 1 {
		return message{}, fmt.Errorf("the message template has %s more than once", markerField)
	}
	if !strings.Contains(template, padField) {
		template = strings.Replace(template, markerField, markerField+padField, 1)
	}
	bare := len(template) - len(markerField) - len(padField) + markerLen
	if size == 0 {
		size = bare
	}
	if size < bare {
		return message{}, fmt.Errorf("a payload of %d bytes is too small: this message needs at least %d", size, bare)
	}
	text := strings.Replace(template, padField, padding(size-bare), 1)
	at := strings.Index(text, markerField)
	text = strings.Replace(text, markerField, strings.Repeat("0", markerLen), 1)
	return message{text: []byte(text), at: at}, nil
}

// words is what people say: English of ordinary compressibility for the compress scenario.
const words = "so the ferry was late again and we stood on the quay with cold hands talking about nothing much, " +
	"the way you do, until somebody brought coffee and a paper bag of warm rolls; after that nobody minded. " +
	"has anyone seen the notes from last week? I put them next to the window, under the blue folder. " +
	"yes, found them, thanks - reading them now, give me ten minutes and then let us begin. "

// padding returns n bytes of text.
func padding(n int) string {
	if n <= 0 {
		return ""
	}
	return strings.Repeat(words, n/len(words)+1)[:n]
}

// renderInto writes the message with marker m at the end of dst.
func (t message) renderInto(dst []byte, m marker) []byte {
	start := len(dst)
	dst = append(dst, t.text...)
	m.put(dst[start+t.at:])
	return dst
}

// randomHex returns n random bytes as hex, for names that must not collide.
func randomHex(n int) string {
	b := make([]byte, n)
	fillRandom(b)
	return hex.EncodeToString(b)
}
