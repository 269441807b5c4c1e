package codec

import (
	"bytes"
	stdflate "compress/flate"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/gobwas/ws"
	"github.com/klauspost/compress/flate"
)

func stdDeflate(t testing.TB, p []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := stdflate.NewWriter(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(p); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\x00\x00\xff\xff"))
}

func inflateString(p []byte, limit int, text bool) (string, *Error) {
	out, err := inflate(append(bytes.Clone(p), inflateEnd...), limit, text)
	if err != nil {
		return "", err
	}
	defer out.free()
	return string(out.b), nil
}

func TestInflate(t *testing.T) {
	for _, tt := range []struct {
		name, hex, want string
		err             *Error
	}{
		// RFC 7692 section 7.2.3.
		{"one block", "f248cdc9c90700", "Hello", nil},
		{"no compression", "000500faff48656c6c6f00", "Hello", nil},
		{"final block", "f348cdc9c9070000", "Hello", nil},
		{"two blocks", "f248050000 00ffffcac9c90700", "Hello", nil},
		{"empty message", "00", "", nil},
		{"nothing", "", "", errInflate},
		{"reserved block type", "07", "", errInflate},
		{"truncated", "f248cd", "", errInflate},
		{"reference to before the message", "f200110000", "", errInflate},
		{"final block that refers to the one before it", "f348cdc9c90700" + "0300" + "00", "Hello", nil},
	} {
		got, err := inflateString(unhex(t, tt.hex), 100, true)
		if got != tt.want || err != tt.err {
			t.Errorf("%s: got %q, %v, want %q, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

// TestInflateLimit: a message may be exactly as long as the limit, and a bomb costs no more than the limit.
func TestInflateLimit(t *testing.T) {
	for _, limit := range []int{1, 100, 128, 4096, 40_000, 1 << 16, 1 << 20} {
		at := stdDeflate(t, bytes.Repeat([]byte("a"), limit), 6)
		got, err := inflateString(at, limit, true)
		if err != nil || len(got) != limit {
			t.Errorf("limit %d: got %d bytes, %v", limit, len(got), err)
		}
		if _, err := inflateString(stdDeflate(t, bytes.Repeat([]byte("a"), limit+1), 6), limit, true); err == nil || err.Code != ws.StatusMessageTooBig {
			t.Errorf("limit %d: one byte more: got %v", limit, err)
		}
	}
	bomb := stdDeflate(t, make([]byte, 64<<20), 9)
	var l = &Limits{MaxMessage: 1 << 20, Deflate: true}
	var d Decoder
	_, err := decodeAll(&d, l, clientFrame(0xc2, string(bomb)), every(1<<16))
	if err == nil || err.Code != ws.StatusMessageTooBig {
		t.Errorf("a bomb of 64 MiB: got %v", err)
	}
	if most := 2<<20 + 1024; d.Pinned() > most {
		t.Errorf("a bomb pins %d bytes, want at most %d", d.Pinned(), most)
	}
	d.Reset()
}

// TestInflateTextFails: invalid text is refused before the rest is inflated, here far above the limit.
func TestInflateTextFails(t *testing.T) {
	p := append([]byte("\xff"), make([]byte, 1<<20)...)
	if _, err := inflateString(stdDeflate(t, p, 6), 1<<19, true); err != errUTF8 {
		t.Errorf("got %v, want %v", err, errUTF8)
	}
	// Characters of three bytes lie across every border between two reads of the inflater.
	euros := strings.Repeat("€", 100_000)
	if got, err := inflateString(stdDeflate(t, []byte(euros), 6), 1<<20, true); err != nil || got != euros {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

func TestInflateFinalBlocks(t *testing.T) {
	block := unhex(t, "f348cdc9c90700")
	for n := range maxFinalBlocks + 3 {
		got, err := inflateString(append(bytes.Repeat(block, n), 0), 1000, true)
		if n <= maxFinalBlocks && (err != nil || got != strings.Repeat("Hello", n)) {
			t.Errorf("%d final blocks: got %q, %v", n, got, err)
		}
		if n > maxFinalBlocks && err != errFinalBlocks {
			t.Errorf("%d final blocks: got %v, want %v", n, err, errFinalBlocks)
		}
	}
}

func TestAppendDeflated(t *testing.T) {
	for _, p := range []string{"", "a", "Hello", strings.Repeat("Hello ", 100), strings.Repeat("\x00", 1<<20)} {
		got := AppendDeflated([]byte("before"), []byte(p))
		if !bytes.HasPrefix(got, []byte("before")) {
			t.Fatalf("%d bytes: dst was lost", len(p))
		}
		if back, code := twinInflate(got[len("before"):], len(p)); code != 0 || string(back) != p {
			t.Errorf("%d bytes: the standard library reads %d bytes, code %d", len(p), len(back), code)
		}
	}
	// RFC 7692 section 7.2.3.6: "the payload of the message is 0x00".
	if got := AppendDeflated(nil, nil); !bytes.Equal(got, []byte{0}) {
		t.Errorf("the empty message is %x, want 00", got)
	}
}

// TestDeflateShared: many goroutines compress and inflate at once, each gets its own message back.
func TestDeflateShared(t *testing.T) {
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			p := strings.Repeat(string(rune('a'+g)), 1000+g)
			for range 50 {
				if got, err := inflateString(AppendDeflated(nil, []byte(p)), 2000, true); err != nil || got != p {
					t.Errorf("got %q, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestWorkshop(t *testing.T) {
	made := 0
	w := newWorkshop(2, func() *int { made++; return &made })
	a, b := w.take(), w.take()
	got := make(chan *int)
	go func() { got <- w.take() }()
	select {
	case <-got:
		t.Fatal("a third tool was handed out of two places")
	default:
	}
	w.put(a)
	<-got
	w.put(b)
	if made != 2 {
		t.Errorf("%d tools made, want 2", made)
	}
}

func TestAppendDeflatedAllocations(t *testing.T) {
	p := []byte(strings.Repeat(`{"nickname":"ann","message":"hello"} `, 30))
	dst := make([]byte, 0, 4096)
	// The compressor's tables are made anew after many calls, so a run in a thousand allocates.
	if got := testing.AllocsPerRun(100, func() { AppendDeflated(dst, p) }); got != 0 {
		t.Errorf("%v allocations, want 0", got)
	}
}

// TestInflateForgets: a block that declares no distance code and uses one is refused, whatever was inflated before it. This
// message has one that could have been read with the code of its first block.
func TestInflateForgets(t *testing.T) {
	message := "\xec\xc0\x01\x0d\x00\x00\x00\x01\x30\xfd\x53\xdb\xd4\xf0\x07" + strings.Repeat("\x00", 63) +
		"\x80\x73\x53\x76\xe0\x40\x06\x00\x00\x00\x40\x98\xbf\x75\x1e\xed\x03\x00\x00\x00\x06\x02"
	if _, err := inflateString([]byte(message), 70_000, false); err == nil || err.Code != 1007 {
		t.Errorf("got %v, want 1007", err)
	}
}

// FuzzInflate: any bytes inflate to what the standard library makes of all of them at once, and klauspost/compress too, or are
// refused; and any bytes survive being compressed here.
func FuzzInflate(f *testing.F) {
	f.Add([]byte("\xf2\x48\xcd\xc9\xc9\x07\x00"), uint16(100))
	f.Add([]byte("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), uint16(5))
	f.Add([]byte("\x00\x05\x00\xfa\xffHello\x00"), uint16(4))
	f.Add([]byte("\x03\x00\x03\x00\x00"), uint16(0))
	f.Add(stdDeflate(f, bytes.Repeat([]byte("fuzz "), 500), 6), uint16(3000))
	f.Fuzz(func(t *testing.T, p []byte, limit uint16) {
		want, code := twinInflate(bytes.Clone(p), int(limit))
		got, err := inflateString(p, int(limit), false)
		if (code != 0) != (err != nil) || string(want) != got && code == 0 {
			t.Fatalf("got %d bytes, %v, the standard library %d bytes, code %d", len(got), err, len(want), code)
		}
		// The standard library inflates here as well, if not like this: another opinion of what it accepts, up to a final block.
		if code == 0 {
			other, err := io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(p), strings.NewReader(inflateEnd))))
			if err != nil || !bytes.HasPrefix(want, other) {
				t.Fatalf("got %d bytes, klauspost/compress %d, %v", len(want), len(other), err)
			}
		}
		if got, err := inflateString(AppendDeflated(nil, p), len(p), false); err != nil || got != string(p) {
			t.Fatalf("%d bytes came back as %d, %v", len(p), len(got), err)
		}
	})
}

func BenchmarkInflate(b *testing.B) {
	for _, size := range []int{64, 1 << 10, 64 << 10} {
		b.Run(sizeName(size), func(b *testing.B) {
			p := []byte(strings.Repeat(`{"nickname":"ann","message":"hello"} `, size/37+1))[:size]
			in := append(AppendDeflated(nil, p), inflateEnd...)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				out, err := inflate(in, size, true)
				if err != nil {
					b.Fatal(err)
				}
				out.free()
			}
		})
	}
}

func BenchmarkDeflate(b *testing.B) {
	for _, size := range []int{64, 1 << 10, 64 << 10} {
		b.Run(sizeName(size), func(b *testing.B) {
			p := []byte(strings.Repeat(`{"nickname":"ann","message":"hello"} `, size/37+1))[:size]
			dst := make([]byte, 0, size+100)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				AppendDeflated(dst, p)
			}
		})
	}
}
