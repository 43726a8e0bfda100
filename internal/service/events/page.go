package events

import (
	"encoding/base64"
	"iter"
	"strings"
)

// A page of a list: AWS's NextToken and Limit. A token holds the name after which
// the list goes on, so pages neither repeat nor skip what stays while others are
// created or deleted between them.

const (
	tokenPrefix = "w1:" // the form of a token, should it ever change
	maxPage     = 100   // and what a page has unless told otherwise
)

// page takes a page of a list that is in the order of its names, of the items whose
// names begin with a prefix and for which keep holds, if there is a keep.
func page[T any](seq iter.Seq[T], name func(T) string, prefix, token *string, limit *int32, keep func(T) bool) (items []T, next *string, err error) {
	after, most := "", maxPage
	if token != nil {
		text, err := base64.RawURLEncoding.DecodeString(*token)
		var ok bool
		if after, ok = strings.CutPrefix(string(text), tokenPrefix); err != nil || !ok {
			return nil, nil, invalid("Parameter NextToken is not valid.")
		}
	}
	if limit != nil {
		most = int(*limit)
	}
	for item := range seq {
		if n := name(item); token != nil && n <= after || !strings.HasPrefix(n, deref(prefix)) || keep != nil && !keep(item) {
			continue
		}
		if len(items) == most {
			return items, new(base64.RawURLEncoding.EncodeToString([]byte(tokenPrefix + name(items[most-1])))), nil
		}
		items = append(items, item)
	}
	return items, nil, nil
}
