package sns

import (
	"encoding/base64"
	"iter"
	"strings"
)

// A page of a list. A token holds the key after which the list goes on, so pages
// neither repeat nor skip what stays while others are created or deleted.

const (
	pageSize    = 100 // AWS's
	tokenPrefix = "w1:"
)

// start reads after which key a page begins.
func start(token *string) (after string, err error) {
	if token == nil || *token == "" {
		return "", nil
	}
	text, e := base64.URLEncoding.DecodeString(*token)
	after, ok := strings.CutPrefix(string(text), tokenPrefix)
	if e != nil || !ok {
		return "", invalid("NextToken Reason: Invalid NextToken")
	}
	return after, nil
}

// page takes a page's items from where it begins, and the token of the next.
func page[T any](seq iter.Seq[T], key func(T) string) (items []T, next *string) {
	for item := range seq {
		if len(items) == pageSize {
			return items, ptr(base64.URLEncoding.EncodeToString([]byte(tokenPrefix + key(items[pageSize-1]))))
		}
		items = append(items, item)
	}
	return items, nil
}
