package policy

import (
	"strings"
	"unicode/utf8"
)

// glob says whether s matches pattern, in which "*" stands for any characters
// and "?" for one. A character is a Unicode character.
//
// It is not recursive: the text between two stars is placed at its first fit,
// which is always a right choice. Literal text is found with strings.Index and
// text with "?" in one pass, so that no pattern is slow on any text.
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
		end := findChunk(chunk, s)
		if end < 0 {
			return false
		}
		s = s[end:]
	}
}

// findChunk finds the first place in s that a chunk with "?" fits, and returns
// where it ends there, or -1.
func findChunk(chunk, s string) int {
	if len(chunk) >= 8 && len(chunk) <= 64 && utf8.ValidString(s) {
		return shiftAnd(chunk, s)
	}
	for i := 0; ; i += runeLen(s[i:]) {
		if n := matchPrefix(chunk, s[i:]); n >= 0 {
			return i + n
		}
		if i == len(s) {
			return -1
		}
	}
}

// shiftAnd is findChunk in one pass over s: bit i of state is set while the
// first i+1 bytes of the chunk match what was just read (Baeza-Yates and
// Gonnet, "A new approach to text searching", 1992). A "?" takes the first
// byte of a character and then stays for its continuation bytes.
func shiftAnd(chunk, s string) int {
	var literal [256]uint64
	var single uint64
	for i := range len(chunk) {
		if chunk[i] == '?' {
			single |= 1 << i
		} else {
			literal[chunk[i]] |= 1 << i
		}
	}
	last := uint64(1) << (len(chunk) - 1)
	var state uint64
	for i := range len(s) {
		c := s[i]
		if c&0xC0 == 0x80 { // a continuation byte
			state = state<<1&literal[c] | state&single
		} else {
			state = (state<<1 | 1) & (literal[c] | single)
		}
		if state&last != 0 {
			end := i + 1
			for single&last != 0 && end < len(s) && s[end]&0xC0 == 0x80 {
				end++
			}
			return end
		}
	}
	return -1
}

// matchPrefix matches a pattern without stars at the start of s and returns
// the length of what it matched, or -1.
func matchPrefix(p, s string) int {
	i := 0
	for p != "" {
		if p[0] == '?' {
			if i == len(s) {
				return -1
			}
			i += runeLen(s[i:])
			p = p[1:]
			continue
		}
		lit := p
		if q := strings.IndexByte(p, '?'); q >= 0 {
			lit = p[:q]
		}
		if !strings.HasPrefix(s[i:], lit) {
			return -1
		}
		i += len(lit)
		p = p[len(lit):]
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
