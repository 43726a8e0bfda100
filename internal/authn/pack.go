package authn

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"sync"
)

// A packed session begins with a byte that says how it is packed. Most are
// short and stay as they are; session policies and many tags make it worth
// compressing, so that the token fits into a header.
const (
	packedPlain   = 0
	packedDeflate = 1

	worthPacking = 1 << 10  // bytes
	maxUnpacked  = 64 << 10 // bytes; only what this Warder sealed is unpacked, and that is smaller
)

var deflaters = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.BestSpeed) // the level is a good one
	return w
}}

func pack(plain []byte) []byte {
	if len(plain) < worthPacking {
		return append([]byte{packedPlain}, plain...)
	}
	out := bytes.NewBuffer([]byte{packedDeflate})
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(out)
	_, _ = w.Write(plain) // a bytes.Buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

func unpack(packed []byte) ([]byte, error) {
	if len(packed) == 0 {
		return nil, errors.New("authn: empty session token")
	}
	switch how, rest := packed[0], packed[1:]; how {
	case packedPlain:
		return rest, nil
	case packedDeflate:
		plain, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(rest)), maxUnpacked+1))
		if err != nil {
			return nil, err
		}
		if len(plain) > maxUnpacked {
			return nil, errors.New("authn: session token unpacks to too much")
		}
		return plain, nil
	default:
		return nil, fmt.Errorf("authn: session token packed in an unknown way %d", how)
	}
}
