package cloudtrail

import (
	"encoding/base64"
	"iter"
	"strings"
)

// A page of a list: NextToken and MaxResults. A token holds the key after which the
// list goes on, so pages neither repeat nor skip what stays while others are created
// or deleted between them.

// tokenPrefix is the form of a token, should it ever change.
const tokenPrefix = "w1:"

// maxListed is how many a page has unless fewer are asked for.
const maxListed = 1000

// page takes the next items of a list that is in the order of its keys.
func page[T any](seq iter.Seq[T], key func(T) string, token *string, max *int32) (items []T, next *string, err error) {
	after, limit := "", maxListed
	if token != nil {
		text, err := base64.RawURLEncoding.DecodeString(*token)
		var ok bool
		if after, ok = strings.CutPrefix(string(text), tokenPrefix); err != nil || !ok {
			return nil, nil, invalidToken()
		}
	}
	if max != nil {
		limit = min(limit, int(*max))
	}
	for item := range seq {
		if token != nil && key(item) <= after {
			continue
		}
		if len(items) == limit {
			return items, new(base64.RawURLEncoding.EncodeToString([]byte(tokenPrefix + key(items[limit-1])))), nil
		}
		items = append(items, item)
	}
	return items, nil, nil
}
