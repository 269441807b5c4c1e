package codec

import "unicode/utf8"

// checkUTF8 looks at the text that has arrived so far. ok is false as soon as no continuation could make it valid.
// tail is the length, at most 3, of a character at the end that is still incomplete: the caller passes those bytes
// again, followed by what comes next.
func checkUTF8(p []byte) (tail int, ok bool) {
	for i := 1; i < utf8.UTFMax && i <= len(p); i++ {
		last := p[len(p)-i:]
		if !utf8.RuneStart(last[0]) {
			continue
		}
		// FullRune takes a sequence that cannot become valid for complete, so it is refused below.
		if !utf8.FullRune(last) {
			tail = i
		}
		break
	}
	return tail, utf8.Valid(p[:len(p)-tail])
}
