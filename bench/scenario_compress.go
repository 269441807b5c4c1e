package main

import "time"

// compress: the same broadcast with and without permessage-deflate, in turn, A B A B, in one server process.
// A server that compresses once per broadcast pays little for it; one that compresses per receiver pays N
// times. The bytes that arrived tell whether it compressed at all.
var compressScenario = scenario{
	name: "compress",
	what: "what permessage-deflate costs a broadcast",
	method: "N members at a fixed rate, plain and with permessage-deflate negotiated, alternating, two rounds each; the ratio of server " +
		"CPU per delivery (medians), and bytes on the wire per delivery. The latency is the compressed one.",
	defaults: options{Conns: 5000, Rate: 8, Payload: 512, Duration: 6 * time.Second, Warmup: time.Second},
	quick:    options{Conns: 1000, Duration: 2 * time.Second},
	needs:    targetNeeds{compress: true},
	columns:  []string{"cpu_ratio", "wire_ratio"},
	measure:  measureCompress,
}

const compressRounds = 2

func measureCompress(s *session, r *row) error {
	cpu := map[bool][]float64{}
	wire := map[bool]float64{}
	for range compressRounds {
		for _, deflate := range []bool{false, true} {
			s.deflate = deflate
			l, err := s.members(s.opt.Conns, 1, s.opt.Rate)
			if err != nil {
				return err
			}
			if deflate && l.groups[0].opened.deflated == 0 {
				r.void("the target did not negotiate permessage-deflate")
				return nil
			}
			what := map[bool]string{false: "plain", true: "compressed"}[deflate]
			u, err := s.measure(s.pass(what, l))
			if err != nil {
				return err
			}
			if deflate {
				r.Figures = nil
				r.take(s, l, u)
			}
			if n := l.measured(); n > 0 {
				cpu[deflate] = append(cpu[deflate], u.settled.total()/n*1e6)
			}
			wire[deflate] = float64(l.got.reach.Bytes) / float64(max(l.got.reach.Delivered, 1))
			for _, g := range l.groups {
				if _, err := s.leave(g); err != nil {
					return err
				}
			}
		}
	}
	r.Figures = nil
	plain, small := median(cpu[false]), median(cpu[true])
	if len(s.target.pids) > 0 && plain > 0 {
		r.add("cpu_per_delivery_plain", plain, "us", "lower")
		r.add("cpu_per_delivery", small, "us", "lower")
		r.add("cpu_ratio", small/plain, "x", "lower")
	}
	r.add("wire_bytes_plain", wire[false], "B", "")
	r.add("wire_bytes", wire[true], "B", "lower")
	r.add("wire_ratio", wire[true]/wire[false], "x", "lower")
	return nil
}
