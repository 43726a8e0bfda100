package eventpattern

import (
	"math"
	"strconv"
	"strings"
)

// Numbers compare by their value to six decimals, between minus and plus five
// billions
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#filtering-numeric-matching).
// They are kept in millionths; further decimals are cut off, downwards.

const (
	million     = 1_000_000
	fiveBillion = 5_000_000_000
	outOfRange  = "Value must be between -5.0E9 and 5.0E9, inclusive"
)

// millionths reads a JSON number; false if it is out of range.
func millionths(raw string) (int64, bool) {
	mantissa, exponent := raw, 0
	if i := strings.IndexAny(raw, "eE"); i >= 0 {
		var err error
		if exponent, err = strconv.Atoi(raw[i+1:]); err != nil || exponent > 1<<20 || exponent < -1<<20 {
			exponent = int(math.Copysign(1<<20, float64(exponent)))
			if strings.HasPrefix(raw[i+1:], "-") {
				exponent = -1 << 20
			}
		}
		mantissa = raw[:i]
	}
	negative := strings.HasPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(mantissa, "-"), ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return 0, true
	}
	// The value is 0.DIGITS times ten to the point's place, and so many digits
	// stand before the decimal point of the millionths.
	point := len(digits) - len(fraction) + exponent + 6
	if point > 16 { // at least 1e16 millionths
		return 0, false
	}
	var n int64
	for i := range max(point, 0) {
		n *= 10
		if i < len(digits) {
			n += int64(digits[i] - '0')
		}
	}
	cut := strings.Trim(digits[min(max(point, 0), len(digits)):], "0") != ""
	if negative {
		if n = -n; cut {
			n--
		}
	}
	const most = fiveBillion * million
	return n, n >= -most && (n < most || n == most && (!cut || negative))
}

// numberRange is met by numbers between two bounds.
type numberRange struct {
	bottom, top         int64 // millionths
	openBottom, openTop bool  // the bound itself is not in the range
}

var wholeRange = numberRange{bottom: math.MinInt64, top: math.MaxInt64}

func (r numberRange) match(v *value) bool {
	return v.comparable && (v.number > r.bottom || v.number == r.bottom && !r.openBottom) && (v.number < r.top || v.number == r.top && !r.openTop)
}
