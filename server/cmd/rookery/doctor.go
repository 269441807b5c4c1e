package main

import (
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

type doctorCmd struct{}

// Bytes that one idle connection costs, for the estimate: user memory of this gateway, and the kernel's socket.
const (
	userBytesPerConn   = 1000
	kernelBytesPerConn = 4900
)

// limit is one thing of the host that bounds the connections of one process.
type limit struct {
	name   string
	value  int64
	holds  int64 // connections
	remedy string
}

// Run prints the limits, the lowest first.
func (doctorCmd) Run(out outputs) error {
	limits, err := hostLimits()
	if err != nil {
		return err
	}
	sort.SliceStable(limits, func(i, j int) bool { return limits[i].holds < limits[j].holds })
	fmt.Fprintf(out.stdout, "This host holds about %d idle connections in one process; %s comes first.\n\n", limits[0].holds, limits[0].name)
	fmt.Fprintf(out.stdout, "%-28s %16s %16s  %s\n", "limit", "value", "connections", "to raise it")
	for _, l := range limits {
		fmt.Fprintf(out.stdout, "%-28s %16d %16d  %s\n", l.name, l.value, l.holds, l.remedy)
	}
	fmt.Fprintf(out.stdout, "\nbacklog: somaxconn is %s; a storm of connections larger than that is retried by its clients.\n", procValue("/proc/sys/net/core/somaxconn"))
	return nil
}

func hostLimits() ([]limit, error) {
	var nofile unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &nofile); err != nil {
		return nil, err
	}
	hard := int64(min(nofile.Max, 1<<40))
	limits := []limit{{"descriptors (ulimit -Hn)", hard, hard - min(max(hard/8, 16), 256) - 24, "ulimit -Hn N, or LimitNOFILE= of the service"}}
	add := func(name, path, remedy string, per func(int64) int64) {
		fields := strings.Fields(procValue(path))
		if len(fields) == 0 {
			return
		}
		if v, err := strconv.ParseInt(fields[len(fields)-1], 10, 64); err == nil {
			limits = append(limits, limit{name, v, per(v), remedy})
		}
	}
	same := func(v int64) int64 { return v }
	add("fs.nr_open", "/proc/sys/fs/nr_open", "sysctl fs.nr_open=N", same)
	add("fs.file-max", "/proc/sys/fs/file-max", "sysctl fs.file-max=N", same)
	add("epoll max_user_watches", "/proc/sys/fs/epoll/max_user_watches", "sysctl fs.epoll.max_user_watches=N", same)
	add("conntrack", "/proc/sys/net/netfilter/nf_conntrack_max", "sysctl net.netfilter.nf_conntrack_max=N", same)
	// A socket with unread or unsent bytes pins about a page; an idle one none.
	add("tcp_mem (pages, all busy)", "/proc/sys/net/ipv4/tcp_mem", "sysctl net.ipv4.tcp_mem='LOW PRESSURE HIGH'", same)
	if available := memAvailable(); available > 0 {
		limits = append(limits, limit{"memory available (bytes)", available, available / (userBytesPerConn + kernelBytesPerConn), "more memory"})
	}
	return limits, nil
}

func procValue(path string) string {
	raw, _ := os.ReadFile(path)
	return strings.TrimSpace(string(raw))
}

func memAvailable() int64 {
	for _, line := range strings.Split(procValue("/proc/meminfo"), "\n") {
		if rest, ok := strings.CutPrefix(line, "MemAvailable:"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib << 10
		}
	}
	return 0
}
