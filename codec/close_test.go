package codec

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

func TestParseClose(t *testing.T) {
	for _, tt := range []struct {
		name, payload string
		code          ws.StatusCode
		reason        string
		err           *Error
	}{
		{"empty", "", 1005, "", nil},
		{"one byte", "\x03", 0, "", errCloseLength},
		{"code alone", "\x03\xe8", 1000, "", nil},
		{"code and reason", "\x03\xf4draining", 1012, "draining", nil},
		{"reason of several bytes a character", "\x0f\xa0€", 4000, "€", nil},
		{"reason not UTF-8", "\x03\xe8\xff", 0, "", errCloseReason},
		{"reason ends within a character", "\x03\xe8\xe2\x82", 0, "", errCloseReason},
		{"illegal code and reason", "\x03\xed\xff", 0, "", errCloseCode},
	} {
		code, reason, err := ParseClose([]byte(tt.payload))
		if code != tt.code || reason != tt.reason || err != tt.err {
			t.Errorf("%s: got %d, %q, %v, want %d, %q, %v", tt.name, code, reason, err, tt.code, tt.reason, tt.err)
		}
	}
}

// TestCloseCodes holds all 65,536 codes to the list, written out.
func TestCloseCodes(t *testing.T) {
	legal := map[int]bool{1000: true, 1001: true, 1002: true, 1003: true, 1007: true, 1008: true, 1009: true,
		1010: true, 1011: true, 1012: true, 1013: true, 1014: true}
	for code := 3000; code < 5000; code++ {
		legal[code] = true
	}
	for code := range 1 << 16 {
		_, _, err := ParseClose([]byte{byte(code >> 8), byte(code)})
		if got := err == nil; got != legal[code] {
			t.Errorf("ParseClose accepts %d: %v, want %v", code, got, legal[code])
		}
		frame := AppendClose(nil, ws.StatusCode(code), "r")
		if sent := len(frame) > 2; sent != legal[code] {
			t.Errorf("AppendClose sends %d: %v, want %v", code, sent, legal[code])
		}
	}
}

func TestAppendClose(t *testing.T) {
	long := strings.Repeat("r", 200)
	for _, tt := range []struct {
		name   string
		code   ws.StatusCode
		reason string
		want   string
	}{
		{"code alone", 1000, "", "\x88\x02\x03\xe8"},
		{"reason", 1001, "away", "\x88\x06\x03\xe9away"},
		{"no code", 0, "ignored", "\x88\x00"},
		{"1005", 1005, "ignored", "\x88\x00"},
		{"1006", 1006, "ignored", "\x88\x00"},
		{"reason too long", 1000, long, "\x88\x7d\x03\xe8" + long[:123]},
		{"cut within two bytes", 1000, long[:122] + "é", "\x88\x7c\x03\xe8" + long[:122]},
		{"cut within four bytes", 1000, long[:121] + "😀", "\x88\x7b\x03\xe8" + long[:121]},
		{"fits to the byte", 1000, long[:119] + "😀", "\x88\x7d\x03\xe8" + long[:119] + "😀"},
		{"reason not UTF-8", 1000, "a\xffb", "\x88\x07\x03\xe8a\uFFFDb"},
	} {
		if got := AppendClose([]byte("x"), tt.code, tt.reason); string(got) != "x"+tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got[1:], tt.want)
		}
	}
}

// FuzzClose: what AppendClose writes, ParseClose reads back, cut at most; no payload breaks ParseClose, and what it
// accepts is written back the same.
func FuzzClose(f *testing.F) {
	f.Add([]byte("\x03\xe8bye"), uint16(1000), "bye")
	f.Add([]byte("\x03"), uint16(1005), "\xff")
	f.Add([]byte(""), uint16(4999), strings.Repeat("€", 60))
	f.Fuzz(func(t *testing.T, payload []byte, code uint16, reason string) {
		frame := AppendClose(nil, ws.StatusCode(code), reason)
		if len(frame) > 127 || len(frame) != 2+int(frame[1]) {
			t.Fatalf("malformed frame %x", frame)
		}
		got, gotReason, err := ParseClose(frame[2:])
		if err != nil {
			t.Fatalf("our own close frame %x: %v", frame, err)
		}
		if got == 1005 {
			if len(frame) != 2 {
				t.Fatalf("code 1005 on the wire: %x", frame)
			}
		} else if got != ws.StatusCode(code) || utf8.ValidString(reason) && !strings.HasPrefix(reason, gotReason) ||
			utf8.ValidString(reason) && len(reason) <= maxReason && gotReason != reason {
			t.Fatalf("wrote %d %q, read %d %q", code, reason, got, gotReason)
		}
		if len(payload) > max7Bit {
			return
		}
		got, gotReason, err = ParseClose(payload)
		if err != nil {
			return
		}
		if back := AppendClose(nil, got, gotReason); !bytes.Equal(back[2:], payload) {
			t.Fatalf("read %x, wrote %x", payload, back[2:])
		}
	})
}
