package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/warder-iam/warder/internal/daemon"
)

func accountCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "account", Short: "Manage the accounts of the running server"}
	cmd.AddCommand(accountCreateCommand())
	return cmd
}

func accountCreateCommand() *cobra.Command {
	var data string
	var spec daemon.AccountSpec
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make an account with its root user and an administrator, and print the credentials once",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var made daemon.NewAccount
			if err := daemon.Control(cmd.Context(), data, "POST", "/accounts", spec, &made); err != nil {
				return err
			}
			return printJSON(cmd, made)
		},
	}
	dataFlag(cmd, &data)
	f := cmd.Flags()
	f.StringVar(&spec.ID, "account", "", "id of the account (default random)")
	f.StringVar(&spec.Name, "name", "", "name of the account")
	f.BoolVar(&spec.RootKey, "root-key", false, "make an access key for the root user too")
	return cmd
}

func printJSON(cmd *cobra.Command, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), string(text))
	return nil
}
