package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// clockTicks is USER_HZ, the unit of CPU time in /proc: 100 on every Linux platform Go runs on.
const clockTicks = 100

// cpuTime is what a process has used, in seconds.
type cpuTime struct {
	User   float64 `json:"user"`
	System float64 `json:"system"`
}

func (a cpuTime) sub(b cpuTime) cpuTime { return cpuTime{a.User - b.User, a.System - b.System} }
func (a cpuTime) add(b cpuTime) cpuTime { return cpuTime{a.User + b.User, a.System + b.System} }
func (a cpuTime) total() float64        { return a.User + a.System }

// readCPU returns the CPU time of a process and all its threads, dead ones included.
func readCPU(pid int) (cpuTime, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return cpuTime{}, err
	}
	return parseStat(b)
}

// parseStat reads utime and stime, fields 14 and 15. The name in field 2 may hold spaces and parentheses, so
// counting begins behind the last one.
func parseStat(b []byte) (cpuTime, error) {
	at := bytes.LastIndexByte(b, ')')
	f := strings.Fields(string(b[at+1:]))
	if at < 0 || len(f) < 13 {
		return cpuTime{}, fmt.Errorf("unexpected line in /proc/PID/stat: %.60q", b)
	}
	user, err1 := strconv.ParseFloat(f[11], 64)
	system, err2 := strconv.ParseFloat(f[12], 64)
	if err1 != nil || err2 != nil {
		return cpuTime{}, fmt.Errorf("unexpected line in /proc/PID/stat: %.60q", b)
	}
	return cpuTime{user / clockTicks, system / clockTicks}, nil
}

// readHostCPU returns the CPU time all processes of the host have used, what a hypervisor took included.
func readHostCPU() cpuTime {
	b, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(b), "\n")
	return parseHostCPU(line)
}

// parseHostCPU reads "cpu user nice system idle iowait irq softirq steal ...".
func parseHostCPU(line string) cpuTime {
	f := strings.Fields(line)
	var v [9]float64
	for i := range v {
		if i < len(f) {
			v[i], _ = strconv.ParseFloat(f[i], 64)
		}
	}
	return cpuTime{User: (v[1] + v[2]) / clockTicks, System: (v[3] + v[6] + v[7] + v[8]) / clockTicks}
}

// readRSS returns the resident memory of a process in bytes, exactly: VmRSS of /proc/PID/status is batched
// per thread and may be off by a few hundred KiB.
func readRSS(pid int) (int64, error) {
	return readKB(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Rss:")
}

// readKB returns the value of the first line that begins with name, which is in kB, as bytes.
func readKB(path, name string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if rest, ok := strings.CutPrefix(s.Text(), name); ok {
			n, err := strconv.ParseInt(strings.Fields(rest + " 0")[0], 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("%s: no line %s", path, name)
}

// kernelMemory is what the kernel holds for sockets, on the whole host.
type kernelMemory struct {
	Slab     int64            `json:"slab"`      // bytes, all of it
	TCPPages int64            `json:"tcp_pages"` // pages of socket buffers, against net.ipv4.tcp_mem
	Sockets  int64            `json:"sockets"`   // TCP sockets in use
	Caches   map[string]int64 `json:"caches,omitempty"`
}

// socketCaches are the slab caches a connection lives in. Reading them needs root; without it only the sum
// is known.
var socketCaches = []string{
	"TCP", "TCPv6", "sock_inode_cache", "filp", "eventpoll_epi", "eventpoll_pwq", "dentry", "tcp_bind_bucket",
	"tcp_bind2_bucket", "skbuff_head_cache", "skbuff_small_head", "request_sock_TCP", "tw_sock_TCP", "ep_head",
}

func readKernelMemory() kernelMemory {
	var k kernelMemory
	k.Slab, _ = readKB("/proc/meminfo", "Slab:")
	if b, err := os.ReadFile("/proc/net/sockstat"); err == nil {
		for _, line := range strings.Split(string(b), "\n") {
			f := strings.Fields(line)
			if len(f) < 2 || f[0] != "TCP:" {
				continue
			}
			for i := 1; i+1 < len(f); i += 2 {
				n, _ := strconv.ParseInt(f[i+1], 10, 64)
				switch f[i] {
				case "inuse":
					k.Sockets = n
				case "mem":
					k.TCPPages = n
				}
			}
		}
	}
	if b, err := os.ReadFile("/proc/slabinfo"); err == nil {
		k.Caches = parseSlabinfo(b)
	}
	return k
}

// parseSlabinfo returns the bytes of active objects in the caches connections use.
func parseSlabinfo(b []byte) map[string]int64 {
	caches := map[string]int64{}
	for _, line := range strings.Split(string(b), "\n") {
		f := strings.Fields(line)
		if len(f) < 4 {
			continue
		}
		for _, name := range socketCaches {
			if f[0] == name {
				active, _ := strconv.ParseInt(f[1], 10, 64)
				size, _ := strconv.ParseInt(f[3], 10, 64)
				caches[name] = active * size
			}
		}
	}
	return caches
}

// listenerPorts returns the TCP ports somebody listens on, which a client must not take as a source: it
// would keep a server from binding them.
func listenerPorts() []int {
	seen := map[int]bool{}
	var ports []int
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for _, l := range parseListeners(b) {
			if !seen[l.port] {
				seen[l.port] = true
				ports = append(ports, l.port)
			}
		}
	}
	return ports
}

type listener struct {
	port  int
	inode string
}

// parseListeners reads the sockets in state LISTEN (0A) from the kernel's table.
func parseListeners(b []byte) []listener {
	var all []listener
	for _, line := range strings.Split(string(b), "\n") {
		f := strings.Fields(line)
		if len(f) < 10 || f[3] != "0A" {
			continue
		}
		_, hexPort, _ := strings.Cut(f[1], ":")
		port, err := strconv.ParseUint(hexPort, 16, 16)
		if err == nil {
			all = append(all, listener{int(port), f[9]})
		}
	}
	return all
}

// listenerPID finds the process that listens on a port of this host, or 0.
func listenerPID(port int) int {
	inodes := map[string]bool{}
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		b, _ := os.ReadFile(file)
		for _, l := range parseListeners(b) {
			if l.port == port {
				inodes["socket:["+l.inode+"]"] = true
			}
		}
	}
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && inodes[to] {
			pid, _ := strconv.Atoi(strings.Split(link, "/")[2])
			return pid
		}
	}
	return 0
}
