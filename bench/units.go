package main

import (
	"fmt"
	"math"
	"strings"
)

// show renders a value of a figure's unit for a person: three digits that count, and no more.
func show(v float64, unit string) string {
	switch unit {
	case "us":
		return showTime(v)
	case "ms":
		return showTime(v * 1e3)
	case "s":
		return showTime(v * 1e6)
	case "B":
		return showBytes(v)
	case "1/s":
		return showCount(v) + "/s"
	case "x":
		return digits(v) + "x"
	case "%":
		return digits(v) + " %"
	case "cores":
		return digits(v) + " cores"
	}
	return digits(v)
}

// showTime renders microseconds.
func showTime(us float64) string {
	switch a := math.Abs(us); {
	case a < 1000:
		return digits(us) + " us"
	case a < 1e6:
		return digits(us/1e3) + " ms"
	}
	return digits(us/1e6) + " s"
}

// showBytes renders bytes: exact up to 10,000, where a connection's memory lies.
func showBytes(b float64) string {
	switch a := math.Abs(b); {
	case a < 10_000:
		return fmt.Sprintf("%.0f B", b)
	case a < 1<<20:
		return digits(b/(1<<10)) + " KiB"
	case a < 1<<30:
		return digits(b/(1<<20)) + " MiB"
	}
	return digits(b/(1<<30)) + " GiB"
}

func showCount(n float64) string {
	switch a := math.Abs(n); {
	case a < 10_000:
		return digits(n)
	case a < 1e6:
		return digits(n/1e3) + " k"
	}
	return digits(n/1e6) + " M"
}

// showReach renders a share rounded down, so that only all of it is 1.
func showReach(share float64) string {
	s := fmt.Sprintf("%.5f", math.Floor(share*1e5)/1e5)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// digits renders a number with three significant digits, or all of its integer ones.
func digits(v float64) string {
	if v == 0 || math.IsNaN(v) {
		return "0"
	}
	n := 2 - int(math.Floor(math.Log10(math.Abs(v))))
	s := fmt.Sprintf("%.*f", max(min(n, 4), 0), v)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// label turns a figure's name into words.
func label(name string) string { return strings.ReplaceAll(name, "_", " ") }
