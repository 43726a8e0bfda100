package question

import (
	"fmt"
	"strings"

	"github.com/warder-iam/warder/internal/awspolicies"
)

// AWSManaged is the policy in force of an AWS managed policy's ARN, which may
// stand where the name of a file does; ok is false for any other name. An ARN
// that none of them has is an error.
func AWSManaged(name string) (f File, ok bool, err error) {
	if !strings.HasPrefix(name, "arn:aws:iam::"+awspolicies.Account+":policy/") {
		return File{}, false, nil
	}
	p := awspolicies.Find(name)
	if p == nil {
		return File{}, true, fmt.Errorf("there is no AWS managed policy %s", name)
	}
	text, err := p.Document(p.Default)
	return File{Name: p.Name, Text: []byte(text)}, true, err
}
