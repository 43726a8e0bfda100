// Command warder is AWS IAM on your own machines. One file a verb; the flags
// and the wiring of each are here, what it does is in the internal packages.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := &cobra.Command{
		Use:           "warder",
		Short:         "AWS IAM on your own machines",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(serveCommand(), envCommand(), accountCommand())
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "warder:", err)
		os.Exit(1)
	}
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
