// Package load sends signed requests as fast as a server takes them. Its
// clients write bytes that were made before and read answers with the least
// that HTTP/1.1 needs: signing and HTTP libraries on the client's side would
// cost more than the server does, and a real client is another machine's
// expense. Benchmarks and the comparison with moto use it.
package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/warder-iam/warder/sigv4"
)

// Connections is how many clients call at once, each on a connection of its own.
const Connections = 32

// Request is a signed call of a query operation to the server at base, as bytes.
func Request(base, service string, key sigv4.Credentials, form url.Values) ([]byte, error) {
	body := form.Encode()
	r, err := http.NewRequest(http.MethodPost, base+"/", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	if err := sigv4.Sign(r, []byte(body), key, "us-east-1", service, time.Now()); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := r.Write(&out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Run sends the requests that next gives for 1, 2, 3… to the server at base,
// over all connections, until next gives nil. Any answer but 200 ends it with
// an error. It returns the number of answers.
func Run(base string, next func(n int64) []byte) (int64, error) {
	address := strings.TrimPrefix(base, "http://")
	var n, answers atomic.Int64
	var failed atomic.Bool
	errs := make([]error, Connections)
	var wg sync.WaitGroup
	for c := range Connections {
		wg.Go(func() {
			conn := connection{address: address}
			defer conn.close()
			for !failed.Load() {
				request := next(n.Add(1))
				if request == nil {
					return
				}
				if err := conn.call(request); err != nil {
					errs[c] = err
					failed.Store(true)
					return
				}
				answers.Add(1)
			}
		})
	}
	wg.Wait()
	return answers.Load(), errors.Join(errs...)
}

// connection is dialled when it is needed: some servers close it after each
// answer.
type connection struct {
	address string
	conn    net.Conn
	in      *bufio.Reader
}

func (c *connection) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

func (c *connection) call(request []byte) error {
	if c.conn == nil {
		conn, err := net.Dial("tcp", c.address)
		if err != nil {
			return err
		}
		c.conn, c.in = conn, bufio.NewReader(conn)
	}
	if _, err := c.conn.Write(request); err != nil {
		return err
	}
	last, err := answer(c.in)
	if last {
		c.close()
	}
	return err
}

// answer reads a response and says whether the server closes the connection.
func answer(in *bufio.Reader) (last bool, err error) {
	length := 0
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return true, err
		}
		if first {
			last = bytes.HasPrefix(line, []byte("HTTP/1.0"))
			if !bytes.Contains(line, []byte(" 200 ")) {
				head := string(line)
				rest, _ := in.Peek(in.Buffered())
				return true, fmt.Errorf("%s%s", head, rest)
			}
		}
		if len(line) == 2 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch value = bytes.TrimSpace(value); {
		case bytes.EqualFold(name, []byte("Content-Length")):
			for _, d := range value {
				length = length*10 + int(d-'0')
			}
		case bytes.EqualFold(name, []byte("Connection")):
			last = last || bytes.EqualFold(value, []byte("close"))
		}
	}
	_, err = in.Discard(length)
	return last, err
}
