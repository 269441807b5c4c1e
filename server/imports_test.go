package server_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// pkg is a package as `go list` tells of it.
type pkg struct {
	ImportPath string
	Imports    []string // of the package without its tests
	Deps       []string // the same, and what these import, to the end
}

// rule keeps some packages from importing others. Patterns end in /... for all that is below, too.
type rule struct {
	who    []string
	except []string
	never  []string
	deep   bool // nor by way of others
	why    string
}

var rules = []rule{
	{who: []string{"rookery/..."}, except: []string{"rookery/server", "rookery/bench"}, never: []string{"github.com/panjf2000/gnet/..."},
		why: "gnet's rules (what may be called where, what ends the engine) are kept in two places and nowhere else"},
	{who: []string{"rookery/server/hub"}, never: []string{"rookery/server", "github.com/panjf2000/gnet/...", "rookery/server/gateway", "rookery/server/cluster"}, deep: true,
		why: "rooms know no sockets: that is how the sweep can be tested without any"},
	{who: []string{"rookery/server"}, never: []string{"rookery/server/...", "rookery/web", "rookery/bench/..."}, deep: true,
		why: "the reactor is a library of its own: it knows no rooms"},
	{who: []string{"rookery/server/cluster"}, never: []string{"rookery/server", "rookery/server/gateway"}, deep: true,
		why: "the broker knows the hub and nothing else"},
	{who: []string{"rookery/..."}, except: []string{"rookery/server/cluster"}, never: []string{"github.com/nats-io/..."},
		why: "where publications travel is the broker's secret"},
	{who: []string{"rookery/codec"}, never: []string{"net", "net/http", "os", "os/...", "time", "context", "log/..."},
		why: "the codec turns bytes into values: no I/O, no clock"},
	{who: []string{"rookery/codec/..."}, never: []string{"rookery/server/...", "github.com/panjf2000/..."}, deep: true,
		why: "the codec stands below all others"},
	{who: []string{"rookery/bench/..."}, never: []string{"rookery/server/..."}, deep: true,
		why: "the ruler must not share code with what it measures"},
	{who: []string{"rookery/web/..."}, never: []string{"rookery/server/...", "rookery/codec/...", "rookery/bench/..."}, deep: true,
		why: "the pages speak to a gateway over the wire"},
	{who: []string{"rookery/server/..."}, never: []string{"rookery/bench/...", "rookery/server/cmd/..."}, deep: true,
		why: "imports run one way"},
	{who: []string{"rookery/..."}, except: []string{"rookery/server/cmd/rookery", "rookery/bench"}, never: []string{"github.com/alecthomas/kong"},
		why: "flags are main's: packages take a Config"},
	{who: []string{"rookery/..."}, deep: true, why: "clients of others belong to the tests",
		never: []string{"github.com/gorilla/...", "github.com/coder/...", "github.com/lxzan/...", "github.com/chromedp/..."}},
}

// TestImports holds the packages to the directions that imports may take.
func TestImports(t *testing.T) {
	packages := list(t)
	for _, r := range rules {
		held := 0
		for _, p := range packages {
			if !matches(p.ImportPath, r.who) || matches(p.ImportPath, r.except) {
				continue
			}
			held++
			imports := p.Imports
			if r.deep {
				imports = p.Deps
			}
			for _, i := range imports {
				if i != p.ImportPath && matches(i, r.never) {
					t.Errorf("%s must not import %s: %s", p.ImportPath, i, r.why)
				}
			}
		}
		if held == 0 && !slices.Equal(r.who, []string{"rookery/server/cluster"}) {
			t.Errorf("no package is held to the rule for %v", r.who)
		}
	}
}

func matches(path string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		below, all := strings.CutSuffix(p, "/...")
		return path == below || all && strings.HasPrefix(path, below+"/")
	})
}

func list(t *testing.T) (packages []pkg) {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", "rookery/...")
	out, err := cmd.Output()
	if err != nil {
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			err = errors.New(string(exit.Stderr))
		}
		t.Fatal(err)
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		switch err := d.Decode(&p); err {
		case nil:
			packages = append(packages, p)
		case io.EOF:
			return packages
		default:
			t.Fatal(err)
		}
	}
}
