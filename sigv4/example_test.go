package sigv4_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/warder-iam/warder/sigv4"
)

// A client signs, a server verifies.
func Example() {
	now := time.Date(2025, 1, 1, 0, 10, 0, 0, time.UTC)
	creds := sigv4.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	body := "Action=GetCallerIdentity&Version=2011-06-15"

	r, _ := http.NewRequest("POST", "https://sts.us-east-1.amazonaws.com/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := sigv4.Sign(r, []byte(body), creds, "us-east-1", "sts", now); err != nil {
		fmt.Println(err)
		return
	}

	claim, err := sigv4.Read(r)
	if errors.Is(err, sigv4.ErrMissing) {
		fmt.Println("anonymous")
		return
	}
	fmt.Println(claim.AccessKeyID, claim.Scope)

	options := sigv4.Options{Now: now.Add(time.Minute), Service: "sts", Region: "us-east-1", Keys: sigv4.NewKeyCache(1000)}
	fmt.Println(claim.Verify(r, []byte(body), creds.SecretAccessKey, options))
	fmt.Println(claim.Verify(r, []byte("Action=AssumeRole"), creds.SecretAccessKey, options) != nil)
	// Output:
	// AKIAIOSFODNN7EXAMPLE 20250101/us-east-1/sts/aws4_request
	// <nil>
	// true
}
