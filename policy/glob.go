package policy

import (
	"strings"
	"unicode/utf8"
)

// glob says whether s matches pattern, in which "*" stands for any characters
// and "?" for one. A character is a Unicode character.
//
// It is not recursive: the text between two stars is placed at its first fit,
// which is always a right choice, so no pattern costs more than the product of
// the two lengths, and literal text is found with strings.Index.
func glob(pattern, s string) bool {
	star := strings.IndexByte(pattern, '*')
	if star < 0 {
		return matchWhole(pattern, s)
	}
	n := matchPrefix(pattern[:star], s)
	if n < 0 {
		return false
	}
	s, pattern = s[n:], pattern[star+1:]
	for {
		star = strings.IndexByte(pattern, '*')
		if star < 0 {
			return matchSuffix(pattern, s)
		}
		chunk := pattern[:star]
		pattern = pattern[star+1:]
		if chunk == "" {
			continue
		}
		if strings.IndexByte(chunk, '?') < 0 {
			i := strings.Index(s, chunk)
			if i < 0 {
				return false
			}
			s = s[i+len(chunk):]
			continue
		}
		for {
			if n := matchPrefix(chunk, s); n >= 0 {
				s = s[n:]
				break
			}
			if s == "" {
				return false
			}
			s = s[runeLen(s):]
		}
	}
}

// matchPrefix matches a pattern without stars at the start of s and returns
// the length of what it matched, or -1.
func matchPrefix(p, s string) int {
	i := 0
	for p != "" {
		q := strings.IndexByte(p, '?')
		lit := p
		if q >= 0 {
			lit = p[:q]
		}
		if !strings.HasPrefix(s[i:], lit) {
			return -1
		}
		i += len(lit)
		if q < 0 {
			return i
		}
		if i == len(s) {
			return -1
		}
		i += runeLen(s[i:])
		p = p[q+1:]
	}
	return i
}

func matchWhole(p, s string) bool { return matchPrefix(p, s) == len(s) }

// matchSuffix matches a pattern without stars at the end of s.
func matchSuffix(p, s string) bool {
	if strings.IndexByte(p, '?') < 0 {
		return strings.HasSuffix(s, p)
	}
	// Step back as many characters as the pattern has.
	i := len(s)
	for n := utf8.RuneCountInString(p); n > 0; n-- {
		if i == 0 {
			return false
		}
		_, size := utf8.DecodeLastRuneInString(s[:i])
		i -= size
	}
	return matchWhole(p, s[i:])
}

func runeLen(s string) int {
	if s[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}
