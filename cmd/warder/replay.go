package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/warder-iam/warder/internal/api"
	"github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/daemon"
	"github.com/warder-iam/warder/internal/replay"
)

// replayFlags are what `warder replay` is asked.
type replayFlags struct {
	data, since, until string
	files              []string
	failOn             string
	json               bool
	ask                daemon.ReplayRequest
}

// exitDiffers is the exit code of a replay that found what it was told to fail on.
const exitDiffers = 2

func replayCommand() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay [flags] [OPERATION --parameter value …]",
		Short: "Decide recorded requests again under a proposed change",
		Long: `Decide recorded requests again under a proposed change, without applying it, and
show who would newly be denied or allowed what.

The change is written as the aws CLI writes it, behind "aws iam":

  warder replay --since 90d detach-role-policy --role-name app --policy-arn arn:aws:iam::aws:policy/PowerUserAccess
  warder replay --since 30d put-user-policy --user-name alice --policy-name p --policy-document file://p.json
  warder replay --since 24h delete-group --group-name admins
  warder replay --change changes.json --json

or as a file, [{"operation": "PutRolePolicy", "input": {"RoleName": …}}, …], whose
changes are made together, before the one on the command line. Without any change
nothing can differ, but the report shows how many requests are decided otherwise
today than they were then.

Exit codes: 0, nothing that --fail-on names; 1, an error; 2, something of it.`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), cmd.OutOrStdout(), args) },
	}
	dataFlag(cmd, &f.data)
	flags := cmd.Flags()
	flags.SetInterspersed(false) // what follows the operation is its own
	flags.StringVar(&f.since, "since", "90d", "how far to look back, such as 90d or 12h, or from when (2006-01-02, or with T15:04:05Z)")
	flags.StringVar(&f.until, "until", "", "up to when")
	flags.StringVar(&f.ask.Account, "account", "", "account, if there are several")
	flags.StringVar(&f.ask.Principal, "principal", "", "only requests of this user or role (ARN)")
	flags.StringArrayVar(&f.files, "change", nil, "file of changes, - for standard input")
	flags.StringVar(&f.failOn, "fail-on", "any", `what ends with exit code 2: requests newly "denied" or "allowed", "any" of them, or "none"`)
	flags.BoolVar(&f.json, "json", false, "print the report as JSON")
	return cmd
}

func (f *replayFlags) run(ctx context.Context, out io.Writer, args []string) error {
	if !slices.Contains([]string{"denied", "allowed", "any", "none"}, f.failOn) {
		return fmt.Errorf("--fail-on %s: use denied, allowed, any or none", f.failOn)
	}
	var err error
	now := time.Now()
	if f.ask.From, err = parseWhen(f.since, now); err != nil {
		return fmt.Errorf("--since: %w", err)
	}
	if f.ask.To, err = parseWhen(f.until, now); err != nil {
		return fmt.Errorf("--until: %w", err)
	}
	f.ask.Changes = []replay.Change{}
	for _, path := range f.files {
		changes, err := readChanges(path)
		if err != nil {
			return err
		}
		f.ask.Changes = append(f.ask.Changes, changes...)
	}
	if len(args) > 0 {
		change, err := parseChange(args)
		if err != nil {
			return err
		}
		f.ask.Changes = append(f.ask.Changes, *change)
	}
	var report replay.Report
	if err := daemon.Control(ctx, f.data, "POST", "/replay", &f.ask, &report); err != nil {
		return err
	}
	if f.json {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		err = e.Encode(&report)
	} else {
		err = printReplay(out, &report)
	}
	if err == nil && (report.NewlyDenied > 0 && f.failOn != "allowed" || report.NewlyAllowed > 0 && f.failOn != "denied") && f.failOn != "none" {
		err = &exitError{code: exitDiffers}
	}
	return err
}

// parseWhen reads a time, or how long ago it was; "" is the zero time.
func parseWhen(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return time.Time{}, fmt.Errorf("%q is neither a time, such as 2006-01-02T15:04:05Z, nor how long ago it was, such as 90d or 12h", text)
	}
	return now.Add(-d), nil
}

func readChanges(path string) ([]replay.Change, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	var changes []replay.Change
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&changes); err != nil {
		return nil, fmt.Errorf(`%s is no list of changes, [{"operation": …, "input": {…}}]: %w`, path, err)
	}
	return changes, nil
}

func readFile(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(path)
}

// parseChange reads a call as the aws CLI takes it.
func parseChange(args []string) (*replay.Change, error) {
	if args[0] == "iam" && len(args) > 1 {
		args = args[1:]
	}
	i := slices.IndexFunc(iam.Service.Operations, func(op api.Operation) bool { return sameName(op.Name, args[0]) })
	if i < 0 {
		return nil, fmt.Errorf("IAM has no operation %q", args[0])
	}
	op := &iam.Service.Operations[i]
	input, shape := map[string]any{}, iam.Service.Shape(op.InputShape)
	for args = args[1:]; len(args) > 0; {
		flag, ok := strings.CutPrefix(args[0], "--")
		if !ok {
			return nil, fmt.Errorf("%q stands where a parameter should, such as --user-name", args[0])
		}
		n := 1
		for n < len(args) && !strings.HasPrefix(args[n], "--") {
			n++
		}
		name, value, err := parseParameter(shape, flag, args[1:n])
		if err != nil {
			return nil, fmt.Errorf("--%s: %w", flag, err)
		}
		input[name], args = value, args[n:]
	}
	text, err := json.Marshal(input)
	return &replay.Change{Operation: op.Name, Input: text}, err
}

// sameName compares a name of the model with the one that the aws CLI makes of it.
func sameName(model, cli string) bool {
	return strings.EqualFold(model, strings.ReplaceAll(cli, "-", ""))
}

// parseParameter reads the values of a parameter by its shape.
func parseParameter(shape *api.Shape, flag string, values []string) (name string, value any, err error) {
	var members []api.Member
	if shape != nil {
		members = shape.Members
	}
	for i := range members {
		m := &members[i]
		kind := iam.Service.Shape(m.Shape)
		switch {
		case kind.Kind == api.Boolean && len(values) == 0 && sameName("no"+m.Name, flag):
			return m.Name, false, nil
		case kind.Kind == api.Boolean && len(values) == 0 && sameName(m.Name, flag):
			return m.Name, true, nil
		case sameName(m.Name, flag):
			value, err = parseValues(kind, values)
			return m.Name, value, err
		}
	}
	return "", nil, errors.New("the operation has no such parameter")
}

func parseValues(shape *api.Shape, values []string) (any, error) {
	values = slices.Clone(values)
	for i, v := range values {
		if path, ok := strings.CutPrefix(v, "file://"); ok {
			text, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			values[i] = string(text)
		}
	}
	if shape.Kind == api.List {
		if len(values) == 1 && strings.HasPrefix(strings.TrimSpace(values[0]), "[") {
			return json.RawMessage(values[0]), nil
		}
		list := []any{}
		for _, v := range values {
			item, err := parseValue(iam.Service.Shape(shape.Elem), v)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		return list, nil
	}
	if len(values) != 1 {
		return nil, errors.New("it takes one value")
	}
	return parseValue(shape, values[0])
}

func parseValue(shape *api.Shape, text string) (any, error) {
	switch shape.Kind {
	case api.String:
		return text, nil
	case api.Integer, api.Long:
		return json.Number(text), nil
	case api.Boolean:
		return strconv.ParseBool(text)
	case api.Structure:
		if strings.HasPrefix(strings.TrimSpace(text), "{") {
			return json.RawMessage(text), nil
		}
		fields := map[string]any{} // the short form, Key=a,Value=b
		for pair := range strings.SplitSeq(text, ",") {
			key, v, ok := strings.Cut(pair, "=")
			if !ok {
				return nil, fmt.Errorf("%q is neither JSON nor of the form Key=…,Value=…", text)
			}
			fields[key] = v
		}
		return fields, nil
	}
	return json.RawMessage(text), nil
}

func printReplay(out io.Writer, r *replay.Report) error {
	fmt.Fprintf(out, "%d requests decided again: %d newly denied, %d newly allowed\n", r.Requests, r.NewlyDenied, r.NewlyAllowed)
	for _, note := range []struct {
		n    int64
		text string
	}{
		{r.Drift, "are decided otherwise today than they were then"},
		{r.Gone, "were made by principals or keys that are not there any more"},
		{r.Unreadable, "records cannot be read"},
	} {
		if note.n > 0 {
			fmt.Fprintf(out, "%d %s\n", note.n, note.text)
		}
	}
	for _, p := range r.Principals {
		fmt.Fprintf(out, "\n%s\n", p.ARN)
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, list := range []struct {
			what        string
			differences []replay.Difference
		}{{"denied", p.NewlyDenied}, {"allowed", p.NewlyAllowed}} {
			for _, d := range list.differences {
				fmt.Fprintf(w, "  newly %s\t%s\t%d×\tlast %s\t%s\n", list.what, d.Action, d.Count, d.Last.Format(time.RFC3339), d.Example.Resource)
			}
		}
		if err := w.Flush(); err != nil {
			return err
		}
		for _, d := range slices.Concat(p.NewlyDenied, p.NewlyAllowed) {
			fmt.Fprintf(out, "    %s (event %s): %s\n", d.Action, d.Example.EventID, d.Example.Reason)
		}
	}
	return nil
}
