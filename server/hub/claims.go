package hub

import "slices"

// fewClaims is up to where a slice is searched: most rooms are small, and a map's first entry costs 256 bytes.
const fewClaims = 8

// claims are the nicknames that a room's members hold, as often as they hold them.
type claims struct {
	few  []string
	many map[string]int32 // in use once few is full, and until it is empty
}

// claim takes a nickname. One that is taken is taken once more only by a member that resumes.
func (p *presence) claim(name string, resumes bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.claims == nil {
		p.claims = &claims{}
	}
	c := p.claims
	if !resumes && (c.many[name] > 0 || slices.Contains(c.few, name)) {
		return false
	}
	if len(c.few) < fewClaims {
		c.few = append(c.few, name)
		return true
	}
	if c.many == nil {
		c.many = make(map[string]int32)
	}
	c.many[name]++
	return true
}

func (p *presence) unclaim(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.claims
	if i := slices.Index(c.few, name); i >= 0 {
		c.few = slices.Delete(c.few, i, i+1)
	} else if c.many[name]--; c.many[name] <= 0 {
		delete(c.many, name)
	}
	if len(c.few)+len(c.many) == 0 {
		p.claims = nil
	}
}
