package main

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/warder-iam/warder/internal/daemon"
)

func envCommand() *cobra.Command {
	var data, account, region string
	cmd := &cobra.Command{
		Use:   "env",
		Short: `Print what a shell needs to use the running server: eval "$(warder env)"`,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var env daemon.Env
			err := daemon.Control(cmd.Context(), data, "GET", "/env?"+url.Values{"account": {account}}.Encode(), nil, &env)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			for _, v := range [][2]string{
				{"AWS_ENDPOINT_URL", env.URL}, {"AWS_REGION", region}, {"AWS_DEFAULT_REGION", region},
				{"AWS_ACCESS_KEY_ID", env.Key.AccessKeyID}, {"AWS_SECRET_ACCESS_KEY", env.Key.SecretAccessKey},
			} {
				fmt.Fprintf(out, "export %s=%s\n", v[0], shellQuote(v[1]))
			}
			fmt.Fprintln(out, "unset AWS_SESSION_TOKEN AWS_PROFILE")
			return nil
		},
	}
	dataFlag(cmd, &data)
	cmd.Flags().StringVar(&account, "account", "", "account to use, if there are several")
	cmd.Flags().StringVar(&region, "region", "us-east-1", "region to sign for")
	return cmd
}

// shellQuote makes a word of any text for POSIX shells.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
