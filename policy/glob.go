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
// where it ends there, or -1. A "?" at an end of the chunk only asks for a
// character more before or after the rest.
func findChunk(chunk, s string) int {
	i := 0
	for ; chunk[0] == '?'; chunk = chunk[1:] {
		if i == len(s) {
			return -1
		}
		i += runeLen(s[i:])
		if len(chunk) == 1 {
			return i
		}
	}
	core := strings.TrimRight(chunk, "?")
	end := -1
	if strings.IndexByte(core, '?') >= 0 {
		end = searchChunk(core, s[i:])
	} else if end = strings.Index(s[i:], core); end >= 0 {
		end += len(core)
	}
	if end < 0 {
		return -1
	}
	n := matchPrefix(chunk[len(core):], s[i+end:])
	if n < 0 {
		return -1 // and no later place leaves more
	}
	return i + end + n
}

// searchChunk is findChunk without that. It tries a few places one by one,
// since most chunks are soon found, before it prepares for a search.
func searchChunk(chunk, s string) int {
	i := 0
	for range 1 + 32/len(chunk) {
		if n := matchPrefix(chunk, s[i:]); n >= 0 {
			return i + n
		}
		if i == len(s) {
			return -1
		}
		i += runeLen(s[i:])
	}
	if len(s) <= maxSearch {
		if n := shiftAnd(chunk, '?', s[i:]); n >= 0 {
			return i + n
		}
		return -1
	}
	for ; ; i += runeLen(s[i:]) {
		if n := matchPrefix(chunk, s[i:]); n >= 0 {
			return i + n
		}
		if i == len(s) {
			return -1
		}
	}
}

// maxSearch is the longest text that shiftAnd takes; ARNs have up to 2,048
// characters.
const maxSearch = 4096

// shiftAnd finds the first place in s that a chunk fits, in which the byte one
// stands for any character, and returns where it ends there, or -1. It is one
// pass over s for every 64 bytes of the chunk: bit i of state is set while the
// first i+1 bytes of the part match what was just read (Baeza-Yates and Gonnet,
// "A new approach to text searching", 1992), and ends has a bit for each place
// where the part before ended. The byte one takes the first byte of a
// character and then stays for the others.
func shiftAnd[T string | []byte](chunk T, one byte, s string) int {
	var ends [maxSearch / 64]uint64
	several := len(chunk) > 64
	for first := uint64(1); ; first = 0 {
		part := chunk[:min(len(chunk), 64)]
		chunk = chunk[len(part):]
		var literal [256]uint64
		var single uint64
		for i := range len(part) {
			if part[i] == one {
				single |= 1 << i
			} else {
				literal[part[i]] |= 1 << i
			}
		}
		last := uint64(1) << (len(part) - 1)
		var state, before uint64 // before: whether the part before ended just here
		next := 0                // where the next character begins
		for i := range len(s) {
			c := s[i]
			switch {
			case c < utf8.RuneSelf:
				next = i + 1
				state = (state<<1 | before | first) & (literal[c] | single)
			case i == next:
				next += runeLen(s[i:])
				state = (state<<1 | before | first) & (literal[c] | single)
			default:
				state = (state<<1|before)&literal[c] | state&single
			}
			if !several {
				if state&last == 0 {
					continue
				}
				if single&last != 0 {
					return next
				}
				return i + 1
			}
			word, bit := &ends[i>>6], uint64(1)<<(i&63)
			before = *word >> (i & 63) & 1
			if state&last == 0 {
				*word &^= bit
				continue
			}
			*word |= bit
			if len(chunk) > 0 {
				continue
			}
			if single&last != 0 {
				return next
			}
			return i + 1
		}
		if len(chunk) == 0 {
			return -1
		}
	}
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
