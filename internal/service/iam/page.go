package iam

import (
	"encoding/base64"
	"iter"
	"slices"
	"strings"
)

// A page of a list: AWS's Marker and MaxItems
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUsers.html).
// A marker holds the key after which the list goes on, so pages neither repeat
// nor skip what stays while others are created or deleted between them.

const (
	defaultPage  = 100
	markerPrefix = "w1:" // the form of a marker, should it ever change
)

// start reads where a page begins and how long it may be.
func start(marker *string, maxItems *int32) (after string, limit int, err error) {
	limit = defaultPage
	if maxItems != nil {
		limit = int(*maxItems)
	}
	if marker != nil {
		text, e := base64.RawURLEncoding.DecodeString(*marker)
		key, ok := strings.CutPrefix(string(text), markerPrefix)
		if e != nil || !ok {
			return "", 0, validation("Invalid Marker.")
		}
		after = key
	}
	return after, limit, nil
}

// paged is the end of a page as outputs show it.
type paged struct {
	IsTruncated *bool
	Marker      *string
}

func pageEnd(next string) paged {
	if next == "" {
		return paged{IsTruncated: ptr(false)}
	}
	return paged{IsTruncated: ptr(true), Marker: ptr(base64.RawURLEncoding.EncodeToString([]byte(markerPrefix + next)))}
}

// page takes up to limit items for which keep holds. The sequence begins after
// the page's start already; key is what a marker holds for an item.
func page[T any](seq iter.Seq[T], limit int, key func(T) string, keep func(T) bool) (items []T, end paged) {
	items = []T{}
	for item := range seq {
		if keep != nil && !keep(item) {
			continue
		}
		if len(items) == limit {
			return items, pageEnd(key(items[limit-1]))
		}
		items = append(items, item)
	}
	return items, pageEnd("")
}

// pageOf is page over a list that is at hand whole and in the order of its keys.
func pageOf[T any](all []T, after string, limit int, key func(T) string) ([]T, paged) {
	return page(slices.Values(all), limit, key, func(item T) bool { return after == "" || key(item) > after })
}
