package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// model is a service model as it stands in its file.
type model struct {
	Metadata struct {
		APIVersion          string `json:"apiVersion"`
		EndpointPrefix      string `json:"endpointPrefix"`
		GlobalEndpoint      string `json:"globalEndpoint"`
		JSONVersion         string `json:"jsonVersion"`
		Protocol            string `json:"protocol"`
		ServiceAbbreviation string `json:"serviceAbbreviation"`
		ServiceFullName     string `json:"serviceFullName"`
		ServiceID           string `json:"serviceId"`
		SigningName         string `json:"signingName"`
		TargetPrefix        string `json:"targetPrefix"`
		XMLNamespace        string `json:"xmlNamespace"`
	} `json:"metadata"`
	Operations map[string]*operation `json:"operations"`
	Shapes     map[string]*shape     `json:"shapes"`
	Pagination map[string]*struct {
		InputToken  texts `json:"input_token"`
		OutputToken texts `json:"output_token"`
		LimitKey    texts `json:"limit_key"`
		MoreResults texts `json:"more_results"`
		ResultKey   texts `json:"result_key"`
	} `json:"pagination"`
}

type operation struct {
	Name   string `json:"name"`
	Input  *ref   `json:"input"`
	Output *ref   `json:"output"`
	Errors []ref  `json:"errors"`
	Auth   texts  `json:"auth"`
}

// ref is a use of a shape, with what that use adds.
type ref struct {
	Shape         string `json:"shape"`
	ResultWrapper string `json:"resultWrapper"`
	Location      string `json:"location"`
	LocationName  string `json:"locationName"`
	Flattened     bool   `json:"flattened"`
}

type shape struct {
	Type            string   `json:"type"`
	Members         members  `json:"members"`
	Required        []string `json:"required"`
	Member          *ref     `json:"member"`
	Key             *ref     `json:"key"`
	Value           *ref     `json:"value"`
	Min             *int64   `json:"min"`
	Max             *int64   `json:"max"`
	Pattern         string   `json:"pattern"`
	Enum            []string `json:"enum"`
	Sensitive       bool     `json:"sensitive"`
	Flattened       bool     `json:"flattened"`
	TimestampFormat string   `json:"timestampFormat"`
	Exception       bool     `json:"exception"`
	Error           *struct {
		Code           string `json:"code"`
		HTTPStatusCode int    `json:"httpStatusCode"`
		SenderFault    bool   `json:"senderFault"`
	} `json:"error"`
}

// members keeps the order of a structure's members, which is the order in
// which they are written.
type members []member

type member struct {
	name string
	ref
}

func (m *members) UnmarshalJSON(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	if _, err := dec.Token(); err != nil { // the opening brace
		return err
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		next := member{name: name.(string)}
		if err := dec.Decode(&next.ref); err != nil {
			return err
		}
		*m = append(*m, next)
	}
	return nil
}

// texts is a list of strings for which one string may stand.
type texts []string

func (t *texts) UnmarshalJSON(text []byte) error {
	var one string
	if err := json.Unmarshal(text, &one); err == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(t))
}

// single is the only string in t, or "" if there is none.
func (t texts) single() (string, error) {
	switch len(t) {
	case 0:
		return "", nil
	case 1:
		return t[0], nil
	}
	return "", fmt.Errorf("several names where one is expected: %s", strings.Join(t, ", "))
}

// goName makes a model name an exported Go name.
func goName(name string) string { return strings.ToUpper(name[:1]) + name[1:] }

// enumName makes an enum value the end of a Go constant's name.
func enumName(value string) string {
	var b strings.Builder
	upper := true
	for _, r := range value {
		switch {
		case r >= 'a' && r <= 'z' && upper:
			b.WriteRune(r - 'a' + 'A')
			upper = false
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			b.WriteRune(r)
			upper = false
		default:
			upper = true
		}
	}
	return b.String()
}
