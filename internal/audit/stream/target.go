package stream

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/warder-iam/warder/internal/audit/trail"
)

// Target is where a stream goes and in which form.
type Target struct {
	// Kind is "stdout", "file", "syslog" or "otlp"; Network of syslog "udp", "tcp",
	// "tls" or "unix".
	Kind, Network string
	// Address is a path, a host with its port, or a URL.
	Address string
	OCSF    bool // or CloudTrail's form
	// ManagementOnly leaves out data events.
	ManagementOnly bool
	// CA, Cert and Key are files of TLS: who vouches for the receiver, and what shows
	// who the sender is. The system's and none if empty.
	CA, Cert, Key string
	// Headers go with every request of OTLP, such as a token. They are not in the
	// text of a target, which everybody on the machine can see.
	Headers map[string]string
}

// String is the target without its options, which is what its position is kept
// under: a change of the form does not begin the stream anew.
func (t Target) String() string {
	switch t.Kind {
	case kindFile:
		return t.Kind + ":" + t.Address
	case kindSyslog:
		if t.Network == networkUnix {
			return t.Kind + ":" + t.Network + ":" + t.Address
		}
		return t.Kind + ":" + t.Network + "://" + t.Address
	case kindOTLP:
		return t.Kind + ":" + t.Address
	}
	return t.Kind
}

const (
	kindStdout = "stdout"
	kindFile   = "file"
	kindSyslog = "syslog"
	kindOTLP   = "otlp"

	networkUDP  = "udp"
	networkTCP  = "tcp"
	networkTLS  = "tls"
	networkUnix = "unix"
)

// Stdout says whether the target is standard output, which nothing else may be
// written to then.
func (t Target) Stdout() bool { return t.Kind == kindStdout }

// Parse reads targets as "warder serve --stream" takes them. Two streams to the
// same place would share a position, so that is an error.
func Parse(texts []string) ([]Target, error) {
	var all []Target
	for _, text := range texts {
		t, err := parse(text)
		if err != nil {
			return nil, fmt.Errorf("stream %q: %w", text, err)
		}
		if slices.ContainsFunc(all, func(other Target) bool { return other.String() == t.String() }) {
			return nil, fmt.Errorf("stream %q: there is another one to the same place", text)
		}
		all = append(all, t)
	}
	return all, nil
}

var errTarget = errors.New(`not of the form stdout, file:PATH, syslog:udp://HOST:PORT, syslog:tcp://HOST:PORT, syslog:tls://HOST:PORT, ` +
	`syslog:unix:PATH, otlp:http://HOST:PORT or otlp:https://HOST:PORT`)

func parse(text string) (t Target, err error) {
	place, options, _ := strings.Cut(text, "?")
	t.Kind, t.Address, _ = strings.Cut(place, ":")
	switch t.Kind {
	case kindStdout:
		if place != kindStdout {
			return t, errTarget
		}
	case kindFile:
		if t.Address == "" {
			return t, errTarget
		}
	case kindSyslog:
		err = t.parseSyslog()
	case kindOTLP:
		err = t.parseOTLP()
	default:
		return t, errTarget
	}
	if err != nil {
		return t, err
	}
	return t, t.parseOptions(options)
}

func (t *Target) parseSyslog() error {
	var ok bool
	if t.Network, t.Address, ok = strings.Cut(t.Address, ":"); !ok {
		return errTarget
	}
	switch t.Network {
	case networkUnix:
		if !strings.HasPrefix(t.Address, "/") {
			return errors.New("the path of the socket does not begin with /")
		}
		return nil
	case networkUDP, networkTCP, networkTLS:
		if t.Address, ok = strings.CutPrefix(t.Address, "//"); !ok {
			return errTarget
		}
		return checkAddress(t.Address)
	}
	return errTarget
}

func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if host == "" || port == "" || strings.ContainsAny(host, "/@ ") {
		return fmt.Errorf("%q is not of the form HOST:PORT", address)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return err
	}
	return nil
}

// parseOTLP takes the base URL, as OTEL_EXPORTER_OTLP_ENDPOINT does
// (https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp).
func (t *Target) parseOTLP() error {
	u, err := url.Parse(t.Address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errTarget
	}
	if u.User != nil || u.Fragment != "" {
		return errors.New("a URL without user and fragment is needed; give tokens by OTEL_EXPORTER_OTLP_HEADERS")
	}
	if !strings.HasSuffix(u.Path, logsPath) {
		u = u.JoinPath(logsPath)
	}
	t.Address = u.String()
	return nil
}

const logsPath = "/v1/logs"

func (t *Target) parseOptions(text string) error {
	options, err := url.ParseQuery(text)
	if err != nil {
		return err
	}
	secured := t.Network == networkTLS || strings.HasPrefix(t.Address, "https:") && t.Kind == kindOTLP
	for name, values := range options {
		if len(values) != 1 {
			return fmt.Errorf("the option %q is there twice", name)
		}
		value := values[0]
		ok := true
		switch {
		case name == "format":
			t.OCSF, ok = value == "ocsf", value == "ocsf" || value == "cloudtrail"
		case name == "events":
			t.ManagementOnly, ok = value == "management", value == "management" || value == "all"
		case name == "ca" && secured:
			t.CA = value
		case name == "cert" && secured:
			t.Cert = value
		case name == "key" && secured:
			t.Key = value
		default:
			return fmt.Errorf("there is no option %q here", name)
		}
		if !ok || value == "" {
			return fmt.Errorf("the option %q cannot be %q", name, value)
		}
	}
	if (t.Cert == "") != (t.Key == "") {
		return errors.New("a certificate needs its key, and a key its certificate")
	}
	return nil
}

// wants says whether an event is to be sent.
func (t *Target) wants(e *trail.Entry) bool {
	return !t.ManagementOnly || e.Category != trail.Data
}

// message is an event as it is sent.
type message struct {
	*trail.Entry
	*record        // nil if the target needs none
	text    []byte // one line of JSON, without its end
}

func (t *Target) message(e *trail.Entry) message {
	m := message{Entry: e, text: e.JSON}
	if !t.OCSF && (t.Kind == kindStdout || t.Kind == kindFile) {
		return m // the event says all there is to say
	}
	var err error
	m.record, err = readRecord(e)
	if t.OCSF {
		m.text = ocsf(m.record, e, err == nil)
	}
	return m
}

func (t *Target) sender(out *slog.Logger) (sender, error) {
	switch t.Kind {
	case kindFile:
		return openFile(t.Address)
	case kindSyslog:
		return newSyslog(t, out)
	case kindOTLP:
		return newOTLP(t, out)
	}
	return stdout(), nil
}
