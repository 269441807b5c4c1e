package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// hostFacts is what this host has, as far as it bounds a benchmark.
type hostFacts struct {
	Kernel    string   `json:"kernel"`
	CPU       string   `json:"cpu"`
	Cores     int      `json:"cores"`
	Memory    int64    `json:"memory"`
	Available int64    `json:"memory_available"`
	NoFile    int64    `json:"nofile"`   // descriptors of one process
	FileMax   int64    `json:"file_max"` // descriptors of the host
	FileUsed  int64    `json:"file_used"`
	Watches   int64    `json:"epoll_watches"`
	Processes int64    `json:"pid_max"`
	TCPMem    [3]int64 `json:"tcp_mem"`       // pages: low, pressure, max
	TCPPages  int64    `json:"tcp_pages"`     // in use
	Conntrack int64    `json:"conntrack_max"` // 0: no connection is tracked
	Tracked   int64    `json:"conntrack_count"`
	Ports     int64    `json:"ports"` // source ports towards one address of another host
	Virtual   string   `json:"virtual,omitempty"`
}

// raiseLimit lifts the soft limit of descriptors to the hard one, here and for every child.
func raiseLimit() {
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) == nil {
		l.Cur = l.Max
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &l)
	}
}

func readHostFacts() hostFacts {
	h := hostFacts{Cores: runtime.NumCPU(), CPU: cpuModel()}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		h.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) == nil {
		h.NoFile = int64(min(l.Max, math.MaxInt32))
	}
	h.Memory, _ = readKB("/proc/meminfo", "MemTotal:")
	h.Available, _ = readKB("/proc/meminfo", "MemAvailable:")
	h.FileMax = sysctl("fs/file-max", 0)
	h.FileUsed = sysctl("fs/file-nr", 0)
	h.Watches = sysctl("fs/epoll/max_user_watches", 0)
	h.Processes = sysctl("kernel/pid_max", 0)
	for i := range h.TCPMem {
		h.TCPMem[i] = sysctl("net/ipv4/tcp_mem", i)
	}
	h.TCPPages = readKernelMemory().TCPPages
	h.Ports = sysctl("net/ipv4/ip_local_port_range", 1) - sysctl("net/ipv4/ip_local_port_range", 0) + 1
	h.Tracked = sysctl("net/netfilter/nf_conntrack_count", 0)
	if h.Tracked > 0 {
		h.Conntrack = sysctl("net/netfilter/nf_conntrack_max", 0)
	}
	return h
}

// sysctl returns the n-th number of a kernel setting, 0 where there is none.
func sysctl(name string, n int) int64 {
	b, err := os.ReadFile("/proc/sys/" + name)
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b))
	if n >= len(f) {
		return 0
	}
	v, err := strconv.ParseInt(f[n], 10, 64)
	if err != nil {
		return math.MaxInt64 // file-max may be larger than an int64
	}
	return v
}

func cpuModel() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for _, line := range strings.Split(string(b), "\n") {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	return runtime.GOARCH
}

const (
	processReserve = 256     // descriptors a process needs besides connections
	mostPerProcess = 18_000  // of a client: below the source ports of one address, whatever the limit
	memoryReserve  = 1 << 30 // what the host keeps for itself
	kernelPerEnd   = 5 << 10 // slab of one TCP socket with its file and epoll entry
	clientPerConn  = 400     // of bench itself
	serverPerConn  = 4 << 10 // a guess for user memory; peers take up to six times that
)

// connsPerProcess returns how many connections one client process opens.
func (h hostFacts) connsPerProcess() int {
	return int(max(min(h.NoFile-processReserve, mostPerProcess), 1))
}

// demand is what a scenario is about to ask of the host.
type demand struct {
	conns    int
	nodes    int  // server processes bench starts; 0: the server is on another host, or not ours
	loopback bool // both ends on this host
	unread   bool // a message may wait on every connection at once
}

// limit is one bound on the number of connections.
type limit struct {
	conns int64
	what  string
}

// limits returns every bound that holds for the demand, the tightest first.
func (h hostFacts) limits(d demand) []limit {
	var all []limit
	add := func(known int64, conns int64, format string, args ...any) {
		if known > 0 {
			all = append(all, limit{max(conns, 0), fmt.Sprintf(format, args...)})
		}
	}
	ends := int64(1)
	if d.loopback {
		ends = 2
	}
	if d.nodes > 0 {
		add(h.NoFile, int64(d.nodes)*(h.NoFile-processReserve),
			"descriptors of the server (RLIMIT_NOFILE %d, %d process(es): give --nodes)", h.NoFile, d.nodes)
	}
	add(h.FileMax, (h.FileMax-h.FileUsed)/ends, "descriptors of the host (fs.file-max %d)", h.FileMax)
	perConn := ends*kernelPerEnd + clientPerConn
	if d.loopback {
		perConn += serverPerConn
	}
	add(h.Available, (h.Available-memoryReserve)/perConn, "memory (%d MiB available, about %d KiB per connection)", h.Available>>20, perConn>>10)
	add(h.Watches, h.Watches/ends, "epoll entries (fs.epoll.max_user_watches %d)", h.Watches)
	add(h.Conntrack, (h.Conntrack-h.Tracked)/1, "tracked connections (nf_conntrack_max %d)", h.Conntrack)
	if !d.loopback {
		add(h.Ports, h.Ports, "source ports towards one address (ip_local_port_range holds %d)", h.Ports)
	}
	if d.unread {
		add(h.TCPMem[2], h.TCPMem[2]-h.TCPPages, "socket buffers (tcp_mem %d pages; an unread message pins one)", h.TCPMem[2])
	}
	add(h.Processes, (h.Processes-1000)*int64(h.connsPerProcess()), "processes (kernel.pid_max %d)", h.Processes)
	slices.SortStableFunc(all, func(a, b limit) int {
		return int(max(min(a.conns-b.conns, 1), -1))
	})
	return all
}

// fits returns an error that names the first limit when the demand is beyond it.
func (h hostFacts) fits(d demand) error {
	first := h.limits(d)[0]
	if int64(d.conns) <= first.conns {
		return nil
	}
	return usagef("this host holds %d of %d connections; the first limit is %s", first.conns, d.conns, first.what)
}
