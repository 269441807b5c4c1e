package gateway

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"rookery/server"
)

// collector reads the counters of server and hub when it is asked: the loops keep plain numbers and know no Prometheus.
type collector struct {
	g      *Gateway
	values []metric
	closed *prometheus.Desc
}

type metric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(*snapshot) float64
}

type snapshot struct {
	server server.Stats
	hub    hubStats
}

func newCollector(g *Gateway) *collector {
	c := &collector{g: g, closed: prometheus.NewDesc("rookery_closed_total", "Connections that ended, by cause.", []string{"cause"}, nil)}
	gauge := func(name, help string, read func(*snapshot) float64) {
		c.values = append(c.values, metric{prometheus.NewDesc(name, help, nil, nil), prometheus.GaugeValue, read})
	}
	counter := func(name, help string, read func(*snapshot) float64) {
		c.values = append(c.values, metric{prometheus.NewDesc(name, help, nil, nil), prometheus.CounterValue, read})
	}
	gauge("rookery_connections", "Open WebSocket connections.", func(s *snapshot) float64 { return float64(s.server.Open) })
	gauge("rookery_max_connections", "Connections that are admitted at most.", func(s *snapshot) float64 { return float64(s.server.MaxConns) })
	gauge("rookery_rooms", "Rooms on this node.", func(s *snapshot) float64 { return float64(s.hub.Rooms) })
	gauge("rookery_members", "Memberships: a connection in three rooms counts three.", func(s *snapshot) float64 { return float64(s.hub.Members) })
	gauge("rookery_stalled_members", "Members whose sockets are full.", func(s *snapshot) float64 { return float64(s.hub.Stalled) })
	gauge("rookery_lag_publications", "Publications that the slowest member is behind its room.", func(s *snapshot) float64 { return float64(s.hub.Lag) })
	gauge("rookery_log_bytes", "Memory of all rooms' logs.", func(s *snapshot) float64 { return float64(s.hub.LogBytes) })
	gauge("rookery_pinned_bytes", "Memory that unfinished input costs, the collector's share included.", func(s *snapshot) float64 { return float64(s.server.Pinned) })
	counter("rookery_messages_received_total", "Text and binary messages received.", func(s *snapshot) float64 { return float64(s.server.MessagesIn) })
	counter("rookery_publications_total", "Publications appended to a room.", func(s *snapshot) float64 { return float64(s.hub.Publications) })
	counter("rookery_deliveries_total", "Publications written to a member.", func(s *snapshot) float64 { return float64(s.hub.Deliveries) })
	counter("rookery_writes_total", "send(2) calls.", func(s *snapshot) float64 { return float64(s.server.Writes) })
	counter("rookery_gaps_total", "Times that a member fell behind its room's log.", func(s *snapshot) float64 { return float64(s.hub.Gaps) })
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range c.values {
		ch <- m.desc
	}
	ch <- c.closed
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	s := snapshot{server: c.g.srv.Stats(), hub: c.g.hub.Stats()}
	for _, m := range c.values {
		ch <- prometheus.MustNewConstMetric(m.desc, m.kind, m.read(&s))
	}
	for cause, n := range s.server.Closed {
		ch <- prometheus.MustNewConstMetric(c.closed, prometheus.CounterValue, float64(n), cause.String())
	}
}

func (g *Gateway) metricsHandler() http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(newCollector(g), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{})
}
