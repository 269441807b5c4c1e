// Command rookery is a high-density WebSocket chat gateway.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/alecthomas/kong"
)

// Exit codes. 0 is drained and stopped, or nothing to complain of.
const (
	exitFailed = 1 // failed while running
	exitUsage  = 2 // bad usage or configuration
)

// errUsage marks an error in what the user wrote.
var errUsage = errors.New("usage")

type cli struct {
	Config  configFlag `help:"Read flags from this JSON file, by their names." placeholder:"FILE"`
	Serve   serveCmd   `cmd:"" help:"Run the gateway."`
	Doctor  doctorCmd  `cmd:"" help:"Say what this host holds, and which limit comes first."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is main without the process.
func run(args []string, stdout, stderr io.Writer) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("rookery"),
		kong.Description("A high-density WebSocket chat gateway. Every flag can be set as ROOKERY_FLAG_NAME, or in the file given by --config."),
		kong.DefaultEnvars("ROOKERY"),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.Bind(outputs{stdout, stderr}),
	)
	if err != nil {
		fmt.Fprintln(stderr, "rookery:", err)
		return exitFailed
	}
	ctx, err := parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		fmt.Fprintln(stderr, "rookery:", err)
		return exitUsage
	}
	if err := ctx.Run(); err != nil {
		fmt.Fprintln(stderr, "rookery:", err)
		if errors.Is(err, errUsage) {
			return exitUsage
		}
		return exitFailed
	}
	return 0
}

type outputs struct{ stdout, stderr io.Writer }

type versionCmd struct{}

func (versionCmd) Run(out outputs) error {
	fmt.Fprintf(out.stdout, "rookery %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// version is the module's, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return info.Main.Version
}
