package wire

import "unicode/utf8"

// appendText appends character data. A character that XML 1.0 does not have
// (https://www.w3.org/TR/xml/#charsets), escaped or not, and what is no
// character at all become U+FFFD, since a reader refuses the whole document
// for one of them. A carriage return is escaped because readers make a bare
// one a newline.
func appendText(dst []byte, s string) []byte {
	done := 0
	for i := 0; i < len(s); {
		var with string
		size := 1
		switch c := s[i]; {
		case c == '&':
			with = "&amp;"
		case c == '<':
			with = "&lt;"
		case c == '>':
			with = "&gt;"
		case c == '"':
			with = "&quot;"
		case c == '\r':
			with = "&#xD;"
		case c == '\t' || c == '\n' || c >= ' ' && c < utf8.RuneSelf:
		case c < ' ':
			with = "\uFFFD"
		default:
			var r rune
			r, size = utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 || r == 0xFFFE || r == 0xFFFF {
				with = "\uFFFD"
			}
		}
		if with != "" {
			dst = append(append(dst, s[done:i]...), with...)
			done = i + size
		}
		i += size
	}
	return append(dst, s[done:]...)
}

func appendOpen(dst []byte, name string) []byte {
	return append(append(append(dst, '<'), name...), '>')
}

func appendClose(dst []byte, name string) []byte {
	return append(append(append(dst, "</"...), name...), '>')
}

func appendEmpty(dst []byte, name string) []byte {
	return append(append(append(dst, '<'), name...), "/>"...)
}

// appendRoot opens a root element in the service's namespace.
func appendRoot(dst []byte, name, suffix, namespace string) []byte {
	dst = append(append(append(dst, '<'), name...), suffix...)
	if namespace != "" {
		dst = appendText(append(dst, ` xmlns="`...), namespace)
		dst = append(dst, '"')
	}
	return append(dst, '>')
}
