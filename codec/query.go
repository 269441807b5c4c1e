package codec

import (
	"bytes"
	"net/url"
)

// QueryValue returns the first value of a query parameter, unescaped. As in package net/url a pair that cannot be
// unescaped, or contains a semicolon, does not count.
func (r *Request) QueryValue(name string) (string, bool) {
	for rest := r.Query; len(rest) > 0; {
		pair := rest
		if i := bytes.IndexByte(rest, '&'); i >= 0 {
			pair, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		if len(pair) == 0 || bytes.IndexByte(pair, ';') >= 0 {
			continue
		}
		key, value, _ := bytes.Cut(pair, []byte("="))
		if !queryEqual(key, name) {
			continue
		}
		if s, ok := queryUnescape(value); ok {
			return s, true
		}
	}
	return "", false
}

func queryEqual(key []byte, name string) bool {
	if bytes.IndexByte(key, '%') < 0 && bytes.IndexByte(key, '+') < 0 {
		return string(key) == name
	}
	s, ok := queryUnescape(key)
	return ok && s == name
}

func queryUnescape(b []byte) (string, bool) {
	s, err := url.QueryUnescape(string(b))
	return s, err == nil
}
