package iam_test

import "encoding/json"

// dump shows a value with what its pointers point at.
func dump(v any) string {
	text, _ := json.MarshalIndent(v, "", " ")
	return string(text)
}
