package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/sys/unix"
)

// ui shows what bench is doing: a bar that moves on a terminal, a line per step elsewhere. Its methods are
// for one goroutine, except that the bar moves on its own.
type ui struct {
	out      io.Writer
	terminal bool
	quiet    bool
	prefix   string // of the next titles: how far the run is
	title    string // the row under way
	stop     chan struct{}
	done     sync.WaitGroup
}

func newUI(quiet bool) *ui {
	_, err := unix.IoctlGetTermios(int(os.Stderr.Fd()), unix.TCGETS)
	return &ui{out: os.Stderr, terminal: err == nil, quiet: quiet}
}

const redraw = 200 * time.Millisecond

// row announces the next row.
func (u *ui) row(format string, args ...any) {
	u.end()
	u.title = u.prefix + fmt.Sprintf(format, args...)
	if !u.quiet && !u.terminal {
		fmt.Fprintln(u.out, "bench:", u.title)
	}
}

// say prints a line of its own.
func (u *ui) say(format string, args ...any) {
	u.end()
	if !u.quiet {
		fmt.Fprintf(u.out, format+"\n", args...)
	}
}

// phase shows a step that takes d, or one of unknown length if d is zero.
func (u *ui) phase(what string, d time.Duration) {
	total := int(d / redraw)
	begun := time.Now()
	u.show(what, total, func() int { return int(time.Since(begun) / redraw) })
}

// count shows a step that ends when seen has reached total.
func (u *ui) count(what string, total int, seen func() int) { u.show(what, total, seen) }

func (u *ui) show(what string, total int, seen func() int) {
	u.end()
	if u.quiet || !u.terminal {
		return
	}
	if total <= 0 {
		total = -1
	}
	bar := progressbar.NewOptions(total, progressbar.OptionSetWriter(u.out), progressbar.OptionSetWidth(24),
		progressbar.OptionSetDescription(u.title+"  "+what), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false))
	stop := make(chan struct{})
	u.stop = stop
	u.done.Add(1)
	go func() {
		defer u.done.Done()
		tick := time.NewTicker(redraw)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				_ = bar.Clear()
				return
			case <-tick.C:
				if total < 0 {
					_ = bar.Add(1)
				} else {
					_ = bar.Set(min(seen(), total-1))
				}
			}
		}
	}()
}

// end takes the bar away.
func (u *ui) end() {
	if u.stop != nil {
		close(u.stop)
		u.done.Wait()
		u.stop = nil
	}
}
