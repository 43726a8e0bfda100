package main

import (
	"fmt"
	"io"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	"github.com/warder-iam/warder/internal/daemon"
)

func mfaCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "mfa", Short: "Manage the hardware MFA tokens of the running server"}
	cmd.AddCommand(mfaImportCommand(), mfaListCommand(), mfaRemoveCommand())
	return cmd
}

// tokenFlags adds the flags that all commands about tokens have.
func tokenFlags(cmd *cobra.Command, data, account *string) *cobra.Command {
	dataFlag(cmd, data)
	cmd.Flags().StringVar(account, "account", "", "id of the account (default the only one)")
	return cmd
}

func mfaImportCommand() *cobra.Command {
	var data, account string
	var inHex bool
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Load hardware TOTP tokens, so that users can enable them by serial number",
		Long: `Load hardware TOTP tokens, so that users can enable them by serial number.

FILE ("-" for standard input) is the seed file that comes with the tokens, as
CSV: a line has a serial number, a comma and the seed in base32, or with --hex in
hexadecimal. A first line "serial,seed" and lines that begin with # are skipped.
Tokens have six digits, SHA-1 and steps of 30 seconds. Either all are loaded or
none. Delete the file afterwards: the server keeps the seeds sealed.

  warder mfa import tokens.csv
  aws iam enable-mfa-device --user-name Bob --serial-number GAHT12345678 \
      --authentication-code1 123456 --authentication-code2 789012`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var in io.Reader = cmd.InOrStdin()
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer f.Close()
				in = f
			}
			tokens, err := daemon.ReadTokens(in, inHex)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			var done daemon.Tokens
			if err := daemon.Control(cmd.Context(), data, "POST", "/tokens", daemon.Tokens{Account: account, Tokens: tokens}, &done); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "loaded %d tokens into account %s\n", len(done.Tokens), done.Account)
			return nil
		},
	}
	cmd.Flags().BoolVar(&inHex, "hex", false, "the seeds are in hexadecimal")
	return tokenFlags(cmd, &data, &account)
}

func mfaListCommand() *cobra.Command {
	var data, account string
	return tokenFlags(&cobra.Command{
		Use:   "list",
		Short: "List the hardware tokens: serial number, and the unique id of who has it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list daemon.Tokens
			if err := daemon.Control(cmd.Context(), data, "GET", "/tokens?account="+url.QueryEscape(account), nil, &list); err != nil {
				return err
			}
			for _, t := range list.Tokens {
				owner := t.Owner
				if owner == "" {
					owner = "-"
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s\t%s\n", t.Serial, owner)
			}
			return nil
		},
	}, &data, &account)
}

func mfaRemoveCommand() *cobra.Command {
	var data, account string
	return tokenFlags(&cobra.Command{
		Use:   "remove SERIAL...",
		Short: "Forget hardware tokens that nobody has enabled",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := daemon.Tokens{Account: account}
			for _, serial := range args {
				in.Tokens = append(in.Tokens, daemon.Token{Serial: serial})
			}
			var done daemon.Tokens
			if err := daemon.Control(cmd.Context(), data, "POST", "/tokens/remove", in, &done); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "removed %d tokens from account %s\n", len(done.Tokens), done.Account)
			return nil
		},
	}, &data, &account)
}
