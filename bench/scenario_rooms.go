package main

import "time"

// rooms: many small rooms, each with its own sender, and then, with the same connections and the same
// deliveries per second, one single room. What the second costs per delivery is the measure for the first.
var roomsScenario = scenario{
	name: "rooms",
	what: "many small rooms, beside one room with as many deliveries",
	method: "N members in M rooms, each room at an equal share of --rate; then all N in one room at the rate that gives as many " +
		"deliveries per second. The latency shown is that of the many rooms.",
	defaults: options{Conns: 10_000, Rooms: 1000, Rate: 1000, Payload: 64, Duration: 10 * time.Second, Warmup: 2 * time.Second},
	quick:    options{Conns: 2000, Rooms: 200, Rate: 200, Duration: 3 * time.Second, Warmup: time.Second},
	needs:    targetNeeds{rooms: true},
	columns:  []string{"cpu_per_delivery", "cpu_ratio_to_one_room"},
	measure:  measureRooms,
}

func measureRooms(s *session, r *row) error {
	many, err := s.members(s.opt.Conns, s.opt.Rooms, s.opt.Rate)
	if err != nil {
		return err
	}
	u, err := s.measure(s.pass("many rooms", many))
	if err != nil {
		return err
	}
	r.take(s, many, u)
	for _, g := range many.groups {
		if _, err := s.leave(g); err != nil {
			return err
		}
	}
	s.target.roomBase = "one-"
	one, err := s.members(s.opt.Conns, 1, s.opt.Rate/float64(s.opt.Rooms))
	if err != nil {
		return err
	}
	if u, err = s.measure(s.pass("one room", one)); err != nil {
		return err
	}
	if len(u.servers) == 0 || one.measured() == 0 {
		return nil
	}
	single := u.settled.total() / one.measured() * 1e6
	r.add("cpu_per_delivery_one_room", single, "us", "")
	if own, ok := r.figure("cpu_per_delivery"); ok && single > 0 {
		r.add("cpu_ratio_to_one_room", own/single, "x", "lower")
	}
	return nil
}
