package peers

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

const (
	upgradeRequest = "GET /?room=hostile HTTP/1.1\r\nHost: floor\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	// The accept key of RFC 6455 section 1.3.
	upgradeAnswer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)

// startFloor runs floor with the address and undefined behaviour sanitizers where gcc has them: a read or write out of
// bounds, or a use after free, ends it, and every test that follows fails.
func startFloor(t *testing.T) *process {
	t.Helper()
	var floor peer
	for _, p := range loadPeers(t) {
		if p.Name == "floor" {
			floor = p
		}
	}
	requireRuntime(t, floor)
	bin := filepath.Join(t.TempDir(), "floor")
	argv := make([]string, 0, len(floor.Build))
	for _, arg := range floor.Build {
		if arg == "bin/floor" {
			arg = bin
		}
		argv = append(argv, arg)
	}
	sanitized := append(argv[1:len(argv):len(argv)], "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
	if out, err := exec.Command(argv[0], sanitized...).CombinedOutput(); err != nil {
		t.Logf("without sanitizers: %v: %s", err, out)
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	// At its end floor leaves the members it still has to the kernel, and those outside rooms look like leaks.
	t.Setenv("ASAN_OPTIONS", "detect_leaks=0")
	return start(t, bin)
}

func rawDial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { conn.Close() })
	return conn
}

// rawJoin opens a WebSocket by hand and checks the answer byte by byte.
func rawJoin(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn := rawDial(t, addr)
	io.WriteString(conn, upgradeRequest)
	wantBytes(t, conn, []byte(upgradeAnswer))
	return conn
}

func wantBytes(t *testing.T, r io.Reader, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("got %.80q (%v), want %.80q", got[:n], err, want)
	}
}

// masked builds a client's frame with the given first byte and mask 1, 2, 3, 4.
func masked(first byte, payload []byte) []byte {
	var b []byte
	switch n := len(payload); {
	case n < 126:
		b = []byte{first, 0x80 | byte(n)}
	case n <= 0xffff:
		b = binary.BigEndian.AppendUint16([]byte{first, 0x80 | 126}, uint16(n))
	default:
		b = binary.BigEndian.AppendUint64([]byte{first, 0x80 | 127}, uint64(n))
	}
	mask := [4]byte{1, 2, 3, 4}
	b = append(b, mask[:]...)
	for i, c := range payload {
		b = append(b, c^mask[i%4])
	}
	return b
}

// TestFloorSplitInput: wherever the network cuts a handshake and a frame, the answer is the same.
func TestFloorSplitInput(t *testing.T) {
	floor := startFloor(t)
	input := append([]byte(strings.Replace(upgradeRequest, "/?room=hostile", "/echo", 1)), masked(0x81, []byte("whole"))...)
	want := append([]byte(upgradeAnswer), "\x81\x05whole"...)
	for cut := range input {
		conn := rawDial(t, floor.addr)
		conn.Write(input[:cut])
		if cut%16 == 0 {
			// The kernel may join two writes; an answered ping on another connection keeps some of them apart.
			other := rawJoin(t, floor.addr)
			other.Write(masked(0x89, nil))
			wantBytes(t, other, []byte{0x8a, 0})
			other.Close()
		}
		conn.Write(input[cut:])
		wantBytes(t, conn, want)
		conn.Close()
	}
	floor.stop(t)
}

// TestFloorTruncatedInput: a client may leave after any byte.
func TestFloorTruncatedInput(t *testing.T) {
	floor := startFloor(t)
	input := append([]byte(upgradeRequest), masked(0x81, bytes.Repeat([]byte("x"), 200))...)
	for cut := range input {
		conn := rawDial(t, floor.addr)
		conn.Write(input[:cut])
		conn.Close()
	}
	rawJoin(t, floor.addr)
	floor.stop(t)
}

// TestFloorRefusesRequests: what is no opening handshake is answered with 400 and a closed connection.
func TestFloorRefusesRequests(t *testing.T) {
	floor := startFloor(t)
	replace := func(old, new string) string { return strings.Replace(upgradeRequest, old, new, 1) }
	for _, tt := range []struct{ name, request string }{
		{"method", replace("GET", "POST")},
		{"path", replace("/?room", "/other?room")},
		{"version of HTTP", replace("HTTP/1.1", "HTTP/1.0")},
		{"no target", replace(" /?room=hostile", "")},
		{"room too long", replace("hostile", strings.Repeat("r", 64))},
		{"room with a NUL", replace("hostile", "a%00b")},
		{"room cut in an escape", replace("hostile", "a%4")},
		{"room with a bad escape", replace("hostile", "a%zzb")},
		{"no upgrade", replace("Upgrade: websocket", "X: y")},
		{"no connection", replace("Connection: keep-alive, Upgrade", "Connection: keep-alive")},
		{"version of WebSocket", replace("Version: 13", "Version: 8")},
		{"no key", replace("Sec-WebSocket-Key", "X-Key")},
		{"short key", replace("dGhlIHNhbXBsZSBub25jZQ==", "dGhl")},
		{"long key", replace("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ==dGhl")},
		{"two keys", replace("Host: floor", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")},
		{"blank", "\r\n\r\n"},
		{"endless", "GET /?room=" + strings.Repeat("r", 9000)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := rawDial(t, floor.addr)
			io.WriteString(conn, tt.request)
			wantBytes(t, conn, []byte("HTTP/1.1 400 Bad Request\r\n"))
		})
	}
	floor.stop(t)
}

// TestFloorRefusesFrames: each frame is answered with the close code named, and the connection ends.
func TestFloorRefusesFrames(t *testing.T) {
	floor := startFloor(t)
	huge := func(n uint64) []byte {
		return append(binary.BigEndian.AppendUint64([]byte{0x81, 0x80 | 127}, n), 1, 2, 3, 4)
	}
	for _, tt := range []struct {
		name  string
		frame []byte
		code  uint16
	}{
		{"not masked", []byte{0x81, 1, 'x'}, websocket.CloseProtocolError},
		{"reserved bit", masked(0xc1, nil), websocket.CloseProtocolError},
		{"first fragment", masked(0x01, []byte("x")), websocket.CloseUnsupportedData},
		{"continuation", masked(0x80, []byte("x")), websocket.CloseUnsupportedData},
		{"reserved opcode", masked(0x83, nil), websocket.CloseUnsupportedData},
		{"long ping", masked(0x89, make([]byte, 126)), websocket.CloseProtocolError},
		{"64 KiB and 1", huge(1<<16 + 1), websocket.CloseMessageTooBig},
		{"top bit", huge(1 << 63), websocket.CloseMessageTooBig},
		{"all bits", huge(1<<64 - 1), websocket.CloseMessageTooBig},
		{"close", masked(0x88, []byte("\x03\xe8bye")), websocket.CloseNormalClosure},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := rawJoin(t, floor.addr)
			conn.Write(tt.frame)
			var head [4]byte
			if _, err := io.ReadFull(conn, head[:]); err != nil || head[0] != 0x88 {
				t.Fatalf("got %x (%v), want a close frame", head, err)
			}
			if got := binary.BigEndian.Uint16(head[2:]); got != tt.code {
				t.Errorf("close code %d, want %d", got, tt.code)
			}
		})
	}
	floor.stop(t)
}

// TestFloorDropsSlowConsumer: a member that reads nothing is dropped, and the others miss nothing.
func TestFloorDropsSlowConsumer(t *testing.T) {
	floor := startFloor(t)
	stalled := rawJoin(t, floor.addr)
	reader := rawJoin(t, floor.addr)
	frame := masked(0x82, bytes.Repeat([]byte("0123456789abcdef"), 4096))
	want := append([]byte{0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}, bytes.Repeat([]byte("0123456789abcdef"), 4096)...)

	// 64 MiB is more than the socket buffers of both ends and the megabyte floor keeps for a member.
	for range 1024 {
		reader.Write(frame)
		wantBytes(t, reader, want)
	}
	n, err := io.Copy(io.Discard, stalled)
	if n >= 1024*int64(len(want)) {
		t.Errorf("the stalled member was sent all %d bytes (%v), want it dropped", n, err)
	}
	floor.stop(t)
}

// TestFloorSurvivesNoise: no bytes after the handshake keep floor from serving the next client.
func TestFloorSurvivesNoise(t *testing.T) {
	floor := startFloor(t)
	for seed := range uint64(300) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			conn := rawJoin(t, floor.addr)
			noise := make([]byte, random.IntN(4096))
			for i := range noise {
				noise[i] = byte(random.Uint32())
			}
			if seed%2 == 0 && len(noise) > 2 {
				noise[0], noise[1] = 0x81, noise[1]|0x80 // past the first checks
			}
			conn.Write(noise)
			conn.Close()
		})
	}
	wantEcho(t, floor.addr)
	floor.stop(t)
}

func wantEcho(t *testing.T, addr string) {
	t.Helper()
	c := target{}.dial(t, addr, "/echo")
	c.send("still here")
	c.want("still here")
}
