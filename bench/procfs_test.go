package main

import (
	"maps"
	"net"
	"os"
	"slices"
	"testing"
)

func TestParseStat(t *testing.T) {
	for _, tt := range []struct {
		name, line string
		want       cpuTime
		ok         bool
	}{
		{"plain", "12 (bun) S 1 12 12 0 -1 4194560 900 0 0 0 250 1234 0 0 20 0 5 0 100 1 2", cpuTime{2.5, 12.34}, true},
		{"a name with parentheses", "12 (a) R (b) S 1 12 12 0 -1 4194560 900 0 0 0 7 8 0 0 20", cpuTime{0.07, 0.08}, true},
		{"cut", "12 (bun) S 1 12", cpuTime{}, false},
		{"empty", "", cpuTime{}, false},
		{"letters", "12 (bun) S 1 12 12 0 -1 4194560 900 0 0 0 x y 0 0 20", cpuTime{}, false},
	} {
		got, err := parseStat([]byte(tt.line))
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%s: %+v, %v, want %+v", tt.name, got, err, tt.want)
		}
	}
	if _, err := readCPU(os.Getpid()); err != nil {
		t.Error(err)
	}
}

func TestParseHostCPU(t *testing.T) {
	got := parseHostCPU("cpu  100 50 200 9000 10 0 30 20 0 0")
	if want := (cpuTime{1.5, 2.5}); got != want {
		t.Errorf("%+v, want %+v: idle and iowait are not work", got, want)
	}
	if got := parseHostCPU(""); got != (cpuTime{}) {
		t.Errorf("%+v of an empty line", got)
	}
}

func TestParseSlabinfo(t *testing.T) {
	text := "slabinfo - version: 2.1\n# name <active_objs> <num_objs> <objsize> ...\n" +
		"TCP                 1500   1512   2432   13    8 : tunables 0 0 0 : slabdata 1 1 0\n" +
		"ext4_inode_cache    9999   9999   1000   13    8 : tunables 0 0 0 : slabdata 1 1 0\n" +
		"filp                 100    200    256   16    1\n"
	want := map[string]int64{"TCP": 1500 * 2432, "filp": 100 * 256}
	if got := parseSlabinfo([]byte(text)); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestParseListeners(t *testing.T) {
	text := "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
		"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n" +
		"   1: 0100007F:1F91 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 20 4 30 10 -1\n"
	if got, want := parseListeners([]byte(text)), []listener{{8080, "4711"}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// The process behind a port of this host is found without being told.
func TestListenerPID(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	if got := listenerPID(port); got != os.Getpid() {
		t.Errorf("port %d belongs to %d, want %d", port, got, os.Getpid())
	}
	if !slices.Contains(listenerPorts(), port) {
		t.Errorf("port %d is not among the listeners", port)
	}
}
