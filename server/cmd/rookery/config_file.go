package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// configFlag reads flags from a JSON file, {"max-conns": 5000}. A key that no flag has is an error: a limit that is
// misspelt is a limit that is not there.
type configFlag string

// BeforeResolve implements kong's hook: the file's values rank below the command line and the environment.
func (c configFlag) BeforeResolve(k *kong.Kong, ctx *kong.Context, trace *kong.Path) error {
	path, ok := ctx.FlagValue(trace.Flag).(configFlag)
	if !ok {
		return nil
	}
	raw, err := os.ReadFile(string(path))
	if err != nil {
		return fmt.Errorf("--config: %w", err)
	}
	values := map[string]any{}
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	if err := decoder.Decode(&values); err != nil {
		return fmt.Errorf("--config %s: %w", path, err)
	}
	known := map[string]bool{}
	for _, node := range append([]*kong.Node{k.Model.Node}, k.Model.Children...) {
		for _, f := range node.Flags {
			known[f.Name] = true
		}
	}
	for key := range values {
		if !known[key] {
			return fmt.Errorf("--config %s: there is no flag %q", path, key)
		}
	}
	ctx.AddResolver(kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		for _, env := range flag.Envs {
			if _, set := os.LookupEnv(env); set {
				return nil, nil // kong would have the file outrank it
			}
		}
		// kong reads numbers as they are written on the command line.
		if n, ok := values[flag.Name].(json.Number); ok {
			return n.String(), nil
		}
		return values[flag.Name], nil
	}))
	return nil
}
