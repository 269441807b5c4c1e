package codec

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestCheckUTF8 compares with a walk character by character, on every string of up to three bytes out of those at
// which the rules change, and of random longer ones.
func TestCheckUTF8(t *testing.T) {
	borders := []byte("\x00\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5\xff")
	check := func(p []byte) {
		tail, ok := checkUTF8(p)
		if want := twinUTF8(p, true); ok != want {
			t.Fatalf("%x: ok %v, want %v", p, ok, want)
		}
		if ok && (tail > 3 || !utf8.Valid(p[:len(p)-tail]) || (tail == 0) != utf8.Valid(p)) {
			t.Fatalf("%x: tail %d", p, tail)
		}
	}
	check(nil)
	for _, a := range borders {
		check([]byte{a})
		for _, b := range borders {
			check([]byte{a, b})
			for _, c := range borders {
				check([]byte{a, b, c})
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		p := make([]byte, 4+random.IntN(5))
		for i := range p {
			p[i] = borders[random.IntN(len(borders))]
		}
		check(p)
	}
}

// TestCheckUTF8Proves: text is refused by the first byte after which nothing could make it valid.
func TestCheckUTF8Proves(t *testing.T) {
	for _, s := range []string{"\x80", "\xc0", "\xc2\x41", "\xe0\x9f", "\xed\xa0", "\xe2\x82\x41", "\xf0\x8f", "\xf4\x90", "\xf0\x9f\x98\x41", "\xf5"} {
		if _, ok := checkUTF8([]byte(s)); ok {
			t.Errorf("%x is not refused", s)
		}
		if tail, ok := checkUTF8([]byte(s[:len(s)-1])); !ok || tail != len(s)-1 {
			t.Errorf("%x: tail %d, %v", s[:len(s)-1], tail, ok)
		}
	}
}

var textKinds = []struct{ name, unit string }{{"ASCII", "the quick brown fox "}, {"Greek", "κόσμε και "}, {"emoji", "😀🎉"}}

func BenchmarkUTF8(b *testing.B) {
	for _, kind := range textKinds {
		for _, size := range []int{64, 1 << 10, 64 << 10} {
			p := []byte(strings.Repeat(kind.unit, size/len(kind.unit)+1))[:size]
			b.Run(kind.name+"/"+sizeName(size), func(b *testing.B) {
				b.SetBytes(int64(size))
				for b.Loop() {
					checkUTF8(p)
				}
			})
		}
	}
}

func sizeName(n int) string {
	return map[int]string{64: "64B", 1 << 10: "1KiB", 64 << 10: "64KiB"}[n]
}
