// Command warder is AWS IAM on your own machines. One file a verb; the flags
// and the wiring of each are here, what it does is in the internal packages.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run runs a command line and gives its exit code: 0 for success, 1 for an
// error, unless the command says otherwise with an exitError.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:           "warder",
		Short:         "AWS IAM on your own machines",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(serveCommand(), envCommand(), signinCommand(), accountCommand(), mfaCommand(), importCommand(), exportCommand(), trailCommand(), alertsCommand(), replayCommand(), evalCommand(), lintCommand(), testCommand())
	err := root.ExecuteContext(ctx)
	code := 0
	if err != nil {
		code = 1
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		code, err = e.code, e.err
	}
	if err != nil {
		fmt.Fprintln(stderr, "warder:", err)
	}
	return code
}

// An exitError ends a command with a code of its own.
type exitError struct {
	code int
	err  error // what to tell; may be nil
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

// dataFlag adds --data, the folder of the durable store.
func dataFlag(c *cobra.Command, data *string) {
	c.Flags().StringVar(data, "data", defaultData(), "folder of the durable store, its key and its control socket ($WARDER_DATA)")
}

func defaultData() string {
	if dir := os.Getenv("WARDER_DATA"); dir != "" {
		return dir
	}
	return ".warder"
}
