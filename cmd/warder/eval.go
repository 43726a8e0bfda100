package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/warder-iam/warder/internal/question"
	"github.com/warder-iam/warder/policy"
)

const evalHelp = `Decide whether a principal may do an action on a resource.

Without --server the policies come from the files that are named and nothing is
asked of anybody. A role and a KMS key grant nothing without their policy
(--resource-policy); service and resource control policies are given one file a
level, from the root of the organization down. The current time is known unless
--context gives it.

With --server the principal is one of the running server's, with its policies
there: the server's AuthZEN endpoint answers or, if --identity, --boundary or
--resource-policy add files, SimulatePrincipalPolicy does. The request is signed
with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, which
"warder env" prints.

The exit code is 0 if the request is allowed, 1 if it is denied, 2 for an error.`

const evalExample = `  warder eval --principal arn:aws:iam::123456789012:user/Jo --action s3:GetObject \
    --resource arn:aws:s3:::my-bucket/photo.jpg --identity policy.json --explain
  warder eval --request request.json --identity policy.json --scp root.json --scp ou.json --output json
  warder eval --server "$AWS_ENDPOINT_URL" --principal arn:aws:iam::123456789012:role/app --action s3:ListBucket`

// The exit codes of eval besides 0.
const (
	exitDenied = 1
	exitFailed = 2
)

// evalFlags is what a command line of eval says.
type evalFlags struct {
	question    question.Question
	requestFile string
	context     []string
	contextFile string
	policies    map[string]*[]string // file names by flag
	server      string
	explain     bool
	output      string
}

// An evalAnswer is what eval prints. JSON output is this type's.
type evalAnswer struct {
	Allowed     bool   `json:"allowed"`
	Decision    string `json:"decision,omitempty"` // "allowed", "explicitDeny" or "implicitDeny", where it is known
	Message     string `json:"message,omitempty"`  // AWS's AccessDenied sentence, where it is known
	Explanation any    `json:"explanation,omitempty"`
}

func evalCommand() *cobra.Command {
	f := &evalFlags{policies: make(map[string]*[]string)}
	fail := func(err error) error {
		if err == nil {
			return nil
		}
		return &exitError{exitFailed, err}
	}
	cmd := &cobra.Command{
		Use:     "eval",
		Short:   "Decide a request by policies from files, or ask a running server",
		Long:    evalHelp,
		Example: evalExample,
		Args:    func(cmd *cobra.Command, args []string) error { return fail(cobra.NoArgs(cmd, args)) },
		RunE: func(cmd *cobra.Command, _ []string) error {
			answer, err := f.run(cmd)
			if err == nil {
				err = f.print(cmd.OutOrStdout(), answer)
			}
			if err != nil {
				return fail(err)
			}
			if !answer.Allowed {
				return &exitError{exitDenied, nil}
			}
			return nil
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fail(err) })
	flags := cmd.Flags()
	flags.StringVar(&f.question.Principal, "principal", "", "ARN of the user, role or session that asks, name of a service, or * for anybody")
	flags.StringVar(&f.question.Action, "action", "", "action, such as s3:GetObject")
	flags.StringVar(&f.question.Resource, "resource", "", "ARN of the resource (default *)")
	flags.StringVar(&f.question.ResourceAccount, "resource-account", "", "account that owns the resource (default the one in its ARN, or else the principal's)")
	flags.StringArrayVar(&f.context, "context", nil, "condition key as KEY=VALUE; again for another key or a further value")
	flags.StringVar(&f.contextFile, "context-file", "", "file of condition keys: a JSON object of values and lists of values")
	flags.StringVar(&f.requestFile, "request", "", "file of the request: a JSON object of principal, action, resource, resourceAccount, context")
	for _, p := range [][2]string{
		{"identity", "file of an identity policy, or ARN of an AWS managed policy; again for more"},
		{"boundary", "file of the permissions boundary, or ARN of an AWS managed policy"},
		{"session", "file of a session policy, or ARN of an AWS managed policy; again for more"},
		{"resource-policy", "file of the resource's policy: of a role its trust policy"},
		{"scp", "file of the service control policy of a level; again for the level below"},
		{"rcp", "file of the resource control policy of a level; again for the level below"},
	} {
		f.policies[p[0]] = flags.StringArray(p[0], nil, p[1])
	}
	flags.StringVar(&f.server, "server", "", "URL of a running server to ask")
	flags.BoolVar(&f.explain, "explain", false, "say why: every policy type, the statements that matched and those that nearly did")
	flags.StringVar(&f.output, "output", "text", `"text" or "json"`)
	return cmd
}

func (f *evalFlags) run(cmd *cobra.Command) (*evalAnswer, error) {
	if f.output != "text" && f.output != "json" {
		return nil, fmt.Errorf("--output is %q: use \"text\" or \"json\"", f.output)
	}
	if err := f.readQuestion(); err != nil {
		return nil, err
	}
	files, err := f.readPolicies()
	if err != nil {
		return nil, err
	}
	if f.server != "" {
		return f.ask(cmd.Context(), files)
	}
	return f.decide(files)
}

// readQuestion puts the request file and the flags together.
func (f *evalFlags) readQuestion() error {
	q := &question.Question{Context: policy.NewContext()}
	if f.requestFile != "" {
		text, err := os.ReadFile(f.requestFile)
		if err != nil {
			return err
		}
		if q, err = question.ParseQuestion(text); err != nil {
			return fmt.Errorf("%s: %w", f.requestFile, err)
		}
	}
	for _, m := range []struct {
		name     string
		file     *string
		flag     string
		required bool
	}{
		{"principal", &q.Principal, f.question.Principal, true},
		{"action", &q.Action, f.question.Action, true},
		{"resource", &q.Resource, f.question.Resource, false},
		{"resource-account", &q.ResourceAccount, f.question.ResourceAccount, false},
	} {
		if *m.file != "" && m.flag != "" {
			return fmt.Errorf("--%s is in %s too", m.name, f.requestFile)
		}
		if m.flag != "" {
			*m.file = m.flag
		}
		if *m.file == "" && m.required {
			return fmt.Errorf("--%s is missing", m.name)
		}
	}
	if q.Resource == "" {
		q.Resource = "*"
	}
	f.question = *q
	return f.readContext()
}

func (f *evalFlags) readContext() error {
	if f.contextFile != "" {
		text, err := os.ReadFile(f.contextFile)
		if err != nil {
			return err
		}
		keys, err := question.ParseObject(text)
		if err == nil {
			err = question.AddObject(f.question.Context, keys)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", f.contextFile, err)
		}
	}
	var order []string
	values := make(map[string][]string)
	for _, arg := range f.context {
		key, value, ok := strings.Cut(arg, "=")
		if !ok {
			return fmt.Errorf("--context %q is not KEY=VALUE", arg)
		}
		if _, known := values[key]; !known {
			order = append(order, key)
		}
		values[key] = append(values[key], value)
	}
	for _, key := range order {
		v := policy.String(values[key][0])
		if len(values[key]) > 1 {
			v = policy.Strings(values[key]...)
		}
		if err := question.Add(f.question.Context, key, v); err != nil {
			return fmt.Errorf("--context: %w", err)
		}
	}
	return nil
}

func (f *evalFlags) readPolicies() (*question.Policies, error) {
	p := new(question.Policies)
	for flag, to := range map[string]*[]question.File{
		"identity": &p.Identity, "boundary": &p.Boundary, "session": &p.Session,
		"resource-policy": &p.Resource, "scp": &p.SCPs, "rcp": &p.RCPs,
	} {
		for _, name := range *f.policies[flag] {
			file, managed, err := question.AWSManaged(name)
			if !managed {
				file.Name = name
				file.Text, err = os.ReadFile(name)
			}
			if err != nil {
				return nil, err
			}
			*to = append(*to, file)
		}
	}
	return p, nil
}

// decide asks the engine in this process.
func (f *evalFlags) decide(files *question.Policies) (*evalAnswer, error) {
	req, err := f.question.Request(time.Now())
	if err != nil {
		return nil, err
	}
	layers, err := files.Layers(req.Action, req.Resource)
	if err != nil {
		return nil, err
	}
	e := policy.Explain(req, layers)
	if e.Layer == policy.NoLayer.String() {
		return nil, fmt.Errorf("%q is no action such as s3:GetObject", req.Action)
	}
	answer := &evalAnswer{Allowed: e.Decision == policy.Allowed.String(), Decision: e.Decision, Message: e.Message}
	if f.explain {
		answer.Explanation = e
	}
	return answer, nil
}

func (f *evalFlags) print(w io.Writer, a *evalAnswer) error {
	if f.output == "json" {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(a)
	}
	if e, ok := a.Explanation.(fmt.Stringer); ok {
		_, err := io.WriteString(w, e.String())
		return err
	}
	decision := a.Decision
	if decision == "" {
		decision = map[bool]string{true: "allowed", false: "denied"}[a.Allowed]
	}
	_, err := fmt.Fprintln(w, decision)
	if a.Message != "" {
		_, e := fmt.Fprintln(w, a.Message)
		err = errors.Join(err, e)
	}
	if a.Explanation != nil {
		text, e := json.MarshalIndent(a.Explanation, "", "  ")
		_, e2 := fmt.Fprintf(w, "%s\n", text)
		err = errors.Join(err, e, e2)
	}
	return err
}
