package sigv4

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// TestBotocore verifies requests that botocore signed, as they would go out
// (testdata/botocore/generate.py).
func TestBotocore(t *testing.T) {
	b, err := os.ReadFile("testdata/botocore/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Time, Secret string
		Requests     []struct {
			Name, Service, Region, Token, Method, Target, Body string
			Headers                                            [][2]string
		}
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Requests) < 26 {
		t.Fatalf("%d requests, want 26 or more", len(file.Requests))
	}
	now, err := time.Parse(timeFormat, file.Time)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range file.Requests {
		t.Run(v.Name, func(t *testing.T) {
			body, err := base64.StdEncoding.DecodeString(v.Body)
			if err != nil {
				t.Fatal(err)
			}
			var wire strings.Builder
			wire.WriteString(v.Method + " " + v.Target + " HTTP/1.1\r\n")
			for _, h := range v.Headers {
				wire.WriteString(h[0] + ": " + h[1] + "\r\n")
			}
			wire.WriteString("\r\n" + string(body))
			r, _ := readWireRequest(t, wire.String())

			c, err := Read(r)
			if err != nil {
				t.Fatal(err)
			}
			if c.SessionToken != v.Token {
				t.Errorf("session token %q, want %q", c.SessionToken, v.Token)
			}
			if strings.Contains(v.Name, "EKS") && !c.Signed("x-k8s-aws-id") {
				t.Error("x-k8s-aws-id is not signed")
			}
			o := Options{Now: now.Add(10 * time.Second), Service: v.Service, Region: v.Region}
			if err := c.Verify(r, body, file.Secret, o); err != nil {
				t.Error(err)
			}
			if err := c.Verify(r, body, file.Secret[1:], o); err == nil {
				t.Error("another secret verifies")
			}
			if err := c.Verify(r, append(body, 'x'), file.Secret, o); (err == nil) != c.UnsignedPayload() {
				t.Errorf("with another body: %v", err)
			}
		})
	}
}
