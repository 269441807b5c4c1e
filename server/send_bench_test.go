package server_test

import (
	"net"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// BenchmarkSend is a sweep's system calls alone: 5,000 sends of 140 bytes in a row over loopback TCP, with the scheduler's
// hooks around each (Syscall, as every wrapper has them) and without (RawSyscall, as Conn.Write does it).
func BenchmarkSend(b *testing.B) {
	const sockets, rounds = 500, 10
	fds := make([]int, sockets)
	peers := make([]int, sockets)
	for i := range fds {
		fds[i], peers[i] = pair(b)
	}
	frame := make([]byte, 140)
	sink := make([]byte, 1)
	type call func(trap, a1, a2, a3, a4, a5, a6 uintptr) (uintptr, uintptr, syscall.Errno)
	for _, v := range []struct {
		name string
		call call
	}{{"Syscall", unix.Syscall6}, {"RawSyscall", unix.RawSyscall6}} {
		b.Run(v.name, func(b *testing.B) {
			for b.Loop() {
				for range rounds {
					for _, fd := range fds {
						_, _, errno := v.call(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&frame[0])), uintptr(len(frame)),
							unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, 0, 0)
						if errno != 0 {
							b.Fatal(errno)
						}
					}
				}
				b.StopTimer()
				for _, fd := range peers {
					_, _, _ = unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&sink[0])), 1<<20, unix.MSG_TRUNC|unix.MSG_DONTWAIT, 0, 0)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(sockets*rounds), "ns/send")
		})
	}
}

// pair returns the descriptors of both ends of a loopback connection.
func pair(b *testing.B) (near, far int) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	s, err := ln.Accept()
	if err != nil {
		b.Fatal(err)
	}
	return dupOf(b, s), dupOf(b, c)
}

func dupOf(b *testing.B, c net.Conn) (fd int) {
	defer c.Close()
	rc, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		b.Fatal(err)
	}
	if err := rc.Control(func(old uintptr) { fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) }); err != nil || fd <= 0 {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}
