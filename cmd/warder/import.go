package main

import (
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/transfer"
)

func importCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "import", Short: "Make an account of the running server from listings of one elsewhere"}
	cmd.AddCommand(importAWSCommand())
	return cmd
}

func importAWSCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:   "aws [NAME=]FILE...",
		Short: "Make an account from what the AWS CLI printed of it",
		Long: `Make an account from what the AWS CLI printed of it, as JSON:

  aws iam get-account-authorization-details > details.json
  warder import aws details.json

That one is needed. These add what it does not tell:

  aws iam list-roles                            descriptions, session durations
  aws iam list-instance-profiles                instance profiles without a role
  aws iam get-group                             users of a group
  aws iam list-groups-for-user                  give it as USER=FILE
  aws iam list-account-aliases
  aws iam get-account-password-policy
  aws iam list-open-id-connect-providers
  aws iam get-open-id-connect-provider
  aws iam list-saml-providers
  aws iam get-saml-provider                     give it as NAME=FILE

The account keeps its id, and everything in it its unique id and dates. The
listings hold no secrets: nobody can sign in but the root user, whose new access
key is printed (and given by warder env --account). If anything in the files is
wrong, nothing is imported. What is not taken over is told in "notes".`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var files []transfer.File
			for _, arg := range args {
				f := transfer.File{Name: arg}
				// A file of exactly this name is meant before NAME=FILE is.
				if name, path, ok := strings.Cut(arg, "="); ok {
					if _, err := os.Stat(arg); err != nil {
						f.Subject, f.Name = name, path
					}
				}
				var err error
				if f.Text, err = os.ReadFile(f.Name); err != nil {
					return err
				}
				files = append(files, f)
			}
			var made daemon.Imported
			if err := daemon.Control(cmd.Context(), data, "POST", "/import", files, &made); err != nil {
				return err
			}
			return printJSON(cmd, made)
		},
	}
	dataFlag(cmd, &data)
	return cmd
}

func exportCommand() *cobra.Command {
	var data, account, dir string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Print an account as aws iam get-account-authorization-details prints it",
		Long: `Print an account of the running server as aws iam get-account-authorization-details
prints it. With --dir, everything that warder import aws takes is written into
files of a folder:

  warder export --account 111122223333 --dir backup
  warder import aws --data elsewhere backup/*`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var files []transfer.File
			if err := daemon.Control(cmd.Context(), data, "GET", exportPath(account, dir != ""), nil, &files); err != nil {
				return err
			}
			if dir == "" {
				_, err := cmd.OutOrStdout().Write(files[0].Text)
				return err
			}
			return writeFiles(dir, files)
		},
	}
	dataFlag(cmd, &data)
	cmd.Flags().StringVar(&account, "account", "", "account to write, if there are several")
	cmd.Flags().StringVar(&dir, "dir", "", "folder to write everything to; it must be empty or not there")
	return cmd
}

func exportPath(account string, all bool) string {
	path := "/export?account=" + url.QueryEscape(account)
	if all {
		path += "&all=1"
	}
	return path
}

// writeFiles writes an export to a folder that holds nothing else: files of an
// account that are left there would be imported with it.
func writeFiles(dir string, files []transfer.File) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	there, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(there) > 0 {
		return fmt.Errorf("the folder %s is not empty", dir)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, f := range files {
		if err := root.WriteFile(f.Name, f.Text, 0o600); err != nil {
			return err
		}
	}
	return nil
}
