// Command coverage prints which operations of AWS's APIs Warder has, from the
// operation lists of the API models and the tables of the services:
//
//	make coverage
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/warder-iam/warder/internal/daemon"
)

func main() {
	if err := print(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func print(ctx context.Context) error {
	d, err := daemon.Open(ctx, daemon.Config{Store: "memory", Listen: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	defer d.Close()
	fmt.Println("| service | API version | operations | built | missing |\n|---|---|---:|---:|---|")
	for _, svc := range d.Services() {
		var missing []string
		for i := range svc.API.Operations {
			if name := svc.API.Operations[i].Name; svc.Operation(name) == nil {
				missing = append(missing, name)
			}
		}
		n := len(svc.API.Operations)
		fmt.Printf("| %s | %s | %d | %d | %s |\n", svc.API.SigningName, svc.API.Version, n, n-len(missing), strings.Join(missing, ", "))
	}
	for _, svc := range d.Services() {
		fmt.Printf("\n%s: %s\n", svc.API.SigningName, strings.Join(svc.Names(), ", "))
	}
	return nil
}
