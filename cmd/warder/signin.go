package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/signin"
)

func signinCommand() *cobra.Command {
	var in signin.Request
	var server, region string
	cmd := &cobra.Command{
		Use:   "signin",
		Short: `Sign in with a password and print what a shell needs: eval "$(warder signin --account A --user-name U)"`,
		Long: `Sign in as an IAM user with a password, and with a code if the user has MFA.

It asks for them on the terminal and prints the credentials of a session of twelve
hours for a shell to evaluate. If the input is no terminal, each is a line of it: the
password; the serial number of the MFA device, if there are several; the code; the new
password, if the present one must be changed.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := newSignInClient(server)
			if err != nil {
				return err
			}
			session, err := client.signIn(cmd.Context(), &in, newAsker(cmd))
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			for _, v := range [][2]string{
				{"AWS_ENDPOINT_URL", strings.TrimSuffix(client.url, signin.Path)}, {"AWS_REGION", region}, {"AWS_DEFAULT_REGION", region},
				{"AWS_ACCESS_KEY_ID", session.AccessKeyID}, {"AWS_SECRET_ACCESS_KEY", session.SecretAccessKey}, {"AWS_SESSION_TOKEN", session.SessionToken},
			} {
				fmt.Fprintf(out, "export %s=%s\n", v[0], shellQuote(v[1]))
			}
			fmt.Fprintln(out, "unset AWS_PROFILE")
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&in.Account, "account", "", "id or alias of the account")
	f.StringVar(&in.UserName, "user-name", "", "name of the user")
	f.StringVar(&in.MFASerialNumber, "serial-number", "", "MFA device to give a code of, if there are several")
	f.StringVar(&server, "url", "", "address of the server ($AWS_ENDPOINT_URL, or else http://"+daemon.DefaultListen+")")
	f.StringVar(&region, "region", "us-east-1", "region to sign for")
	_ = cmd.MarkFlagRequired("account")
	_ = cmd.MarkFlagRequired("user-name")
	return cmd
}

// signInClient posts to a server's sign-in.
type signInClient struct {
	url  string
	http http.Client
}

// newSignInClient refuses to send a password where it could be read on the way.
func newSignInClient(server string) (*signInClient, error) {
	if server == "" {
		server = os.Getenv("AWS_ENDPOINT_URL")
	}
	if server == "" {
		server = "http://" + daemon.DefaultListen
	}
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("the server's address %q is not of the form https://host", server)
	}
	if u.Scheme == "http" && !isLocal(u.Hostname()) {
		return nil, fmt.Errorf("refusing to send a password to %s without TLS", u.Host)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if bundle := os.Getenv("AWS_CA_BUNDLE"); bundle != "" {
		pem, err := os.ReadFile(bundle)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("there is no certificate in %s", bundle)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &signInClient{url: strings.TrimRight(u.String(), "/") + signin.Path, http: http.Client{
		Transport: transport, Timeout: 30 * time.Second,
		// A password is for one server.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func isLocal(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// signIn asks the user for what the server asks for.
func (c *signInClient) signIn(ctx context.Context, in *signin.Request, ask *asker) (*signin.Session, error) {
	// A device goes with a code: before there is one, the server chooses what to ask.
	device := in.MFASerialNumber
	in.MFASerialNumber = ""
	var err error
	if in.Password, err = ask.secret(ctx, "Password: "); err != nil {
		return nil, err
	}
	for {
		session, refusal, err := c.post(ctx, in)
		switch {
		case err != nil:
			return nil, err
		case refusal == nil:
			return session, nil
		case refusal.Code == signin.CodeMFARequired && in.MFACode == "":
			if device, err = ask.device(ctx, device, refusal.MFADevices); err != nil {
				return nil, err
			}
			in.MFASerialNumber = device
			if in.MFACode, err = ask.line(ctx, "MFA code: "); err != nil {
				return nil, err
			}
		case refusal.Code == signin.CodeChangeRequired && in.NewPassword == "":
		default:
			return nil, errors.New(refusal.Message)
		}
		if refusal.PasswordChangeRequired {
			if in.NewPassword, err = ask.newPassword(ctx); err != nil {
				return nil, err
			}
		}
	}
}

func (c *signInClient) post(ctx context.Context, in *signin.Request) (*signin.Session, *signin.Refusal, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "warder")
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	answer := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode == http.StatusOK {
		session := new(signin.Session)
		return session, nil, answer.Decode(session)
	}
	refusal := new(signin.Refusal)
	if err := answer.Decode(refusal); err != nil || refusal.Code == "" {
		return nil, nil, fmt.Errorf("the server at %s answers %s: is it Warder?", c.url, resp.Status)
	}
	return nil, refusal, nil
}

// asker asks on the terminal or, without one, reads lines.
type asker struct {
	terminal int // -1: none
	lines    *bufio.Reader
	prompts  io.Writer
}

func newAsker(cmd *cobra.Command) *asker {
	a := &asker{terminal: -1, lines: bufio.NewReader(cmd.InOrStdin()), prompts: cmd.ErrOrStderr()}
	if f, ok := cmd.InOrStdin().(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		a.terminal = int(f.Fd())
	}
	return a
}

// line reads what may be seen.
func (a *asker) line(ctx context.Context, prompt string) (string, error) {
	return a.read(ctx, prompt, func() (string, error) {
		text, err := a.lines.ReadString('\n')
		if errors.Is(err, io.EOF) && text != "" {
			err = nil
		}
		return strings.TrimRight(text, "\r\n"), err
	})
}

// secret reads what may not.
func (a *asker) secret(ctx context.Context, prompt string) (string, error) {
	if a.terminal < 0 {
		return a.line(ctx, prompt)
	}
	before, err := term.GetState(a.terminal)
	if err != nil {
		return "", err
	}
	text, err := a.read(ctx, prompt, func() (string, error) {
		text, err := term.ReadPassword(a.terminal)
		return string(text), err
	})
	if ctx.Err() != nil {
		_ = term.Restore(a.terminal, before) // the interrupted read has left it without echo
	}
	fmt.Fprintln(a.prompts)
	return text, err
}

// read reads until the user interrupts it.
func (a *asker) read(ctx context.Context, prompt string, read func() (string, error)) (string, error) {
	if a.terminal >= 0 {
		fmt.Fprint(a.prompts, prompt)
	}
	type answer struct {
		text string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		text, err := read()
		got <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case a := <-got:
		if errors.Is(a.err, io.EOF) {
			a.err = fmt.Errorf("there is no answer to %q", strings.TrimSuffix(prompt, ": "))
		}
		return a.text, a.err
	}
}

// newPassword asks twice where nobody sees what is typed.
func (a *asker) newPassword(ctx context.Context) (string, error) {
	text, err := a.secret(ctx, "Your password must be changed. New password: ")
	if err != nil || a.terminal < 0 {
		return text, err
	}
	again, err := a.secret(ctx, "New password again: ")
	if err == nil && again != text {
		err = errors.New("the two new passwords are not the same")
	}
	return text, err
}

// device is the device to give a code of: the one that was chosen, or the only one.
func (a *asker) device(ctx context.Context, chosen string, devices []string) (string, error) {
	if chosen == "" && len(devices) == 1 {
		return devices[0], nil
	}
	if chosen == "" {
		var err error
		if chosen, err = a.line(ctx, "MFA device, one of "+strings.Join(devices, " ")+": "); err != nil {
			return "", err
		}
	}
	if !slices.Contains(devices, chosen) {
		return "", fmt.Errorf("%q is none of your MFA devices: %s", chosen, strings.Join(devices, ", "))
	}
	return chosen, nil
}
