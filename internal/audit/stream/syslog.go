package stream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// syslog sends to a syslog receiver: RFC 5424 messages over a network, and the
// older form that the C library writes over the socket of the machine's own
// receiver, which is what those understand.
//
// Syslog has no acknowledgements. A connection that ends while a batch is written,
// or right after, has the batch sent again; what the receiver's machine had taken
// and its program not read when it failed is lost.
type syslog struct {
	target *Target
	tls    *tls.Config
	out    *slog.Logger
	host   string
	tag    string // "warder[PID]:"
	conn   net.Conn
	ended  chan struct{} // closed when the receiver has ended conn
	local  bool          // datagrams keep messages apart, streams need a mark
}

func newSyslog(t *Target, out *slog.Logger) (*syslog, error) {
	s := &syslog{target: t, out: out, tag: "warder[" + strconv.Itoa(os.Getpid()) + "]:"}
	// A machine without a name is "-" (RFC 5424, 6.2.4).
	if name, err := os.Hostname(); err == nil && printable(name, 255) {
		s.host = name
	} else {
		s.host = "-"
	}
	if t.Network != networkTLS {
		return s, nil
	}
	var err error
	s.tls, err = t.tls()
	return s, err
}

// tls is how the connection is protected. The receiver is verified by the name in
// its address (RFC 5425, 5.2).
func (t *Target) tls() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		text, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, err
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s holds no certificate (PEM)", t.CA)
		}
	}
	if t.Cert != "" {
		cert, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{cert}
	}
	return c, nil
}

// printable says whether a text can stand in the header of a message.
func printable(s string, most int) bool {
	return s != "" && len(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// facility is that of messages about security and authorization, "authpriv".
const facility = 10

// severities are those of RFC 5424, 6.2.1.
var severities = map[outcome]int{succeeded: 6, failed: 5, refused: 4}

// maxDatagram is what fits into one over UDP. RFC 5424, 6.1 has receivers cut what
// is too long for them; a sender that cannot send it does the same. Who did what
// and when stands first.
const maxDatagram = 65000

// header appends what stands before the text of a message.
func (s *syslog) header(b []byte, m message) []byte {
	b = append(b, '<')
	b = strconv.AppendInt(b, int64(facility*8+severities[m.outcome()]), 10)
	b = append(b, '>')
	if s.target.Network == networkUnix {
		b = m.Time.Local().AppendFormat(b, time.Stamp+" ")
		b = append(b, s.tag...)
		return append(b, ' ')
	}
	b = append(b, "1 "...)
	b = m.Time.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z ")
	b = append(b, s.host...)
	b = append(b, " warder "...)
	b = strconv.AppendInt(b, int64(os.Getpid()), 10)
	// The kind of the message tells how to read it. There is no structured data: the
	// text is. It is UTF-8, which is what the mark before it says (RFC 5424, 6.4).
	if s.target.OCSF {
		b = append(b, " ocsf - "...)
	} else {
		b = append(b, " cloudtrail - "...)
	}
	return append(b, "\xef\xbb\xbf"...)
}

func (s *syslog) send(ctx context.Context, messages []message) (err error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	if s.conn == nil || s.gone() {
		if err := s.connect(ctx); err != nil {
			return err
		}
	}
	conn := s.conn // the function may outlast the connection
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		if !stop() || err != nil {
			err = errors.Join(err, ctx.Err())
			s.disconnect()
		}
	}()
	if err := s.write(messages); err != nil {
		return err
	}
	return s.settle(ctx, len(messages) == batchSize)
}

func (s *syslog) gone() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

func (s *syslog) connect(ctx context.Context) error {
	s.disconnect()
	d := net.Dialer{Timeout: 10 * time.Second}
	var conn net.Conn
	var err error
	switch s.target.Network {
	case networkTLS:
		conn, err = (&tls.Dialer{NetDialer: &d, Config: s.tls}).DialContext(ctx, "tcp", s.target.Address)
	case networkUnix:
		s.local = true
		if conn, err = d.DialContext(ctx, "unixgram", s.target.Address); err != nil {
			s.local = false
			conn, err = d.DialContext(ctx, "unix", s.target.Address)
		}
	default:
		conn, err = d.DialContext(ctx, s.target.Network, s.target.Address)
	}
	if err != nil {
		return err
	}
	s.conn, s.ended = conn, make(chan struct{})
	go func(ended chan struct{}) {
		defer close(ended)
		_, _ = io.Copy(io.Discard, conn) // receivers say nothing; this ends when they are gone
	}(s.ended)
	return nil
}

func (s *syslog) disconnect() {
	if s.conn != nil {
		_ = s.conn.Close() // nothing is waiting to be written
		<-s.ended
		s.conn = nil
	}
}

// write writes messages in the way of the network: one a datagram; framed by their
// length over TCP and TLS (RFC 6587, 3.4.1; RFC 5425, 4.3); lines over a local
// stream.
func (s *syslog) write(messages []message) error {
	var all []byte
	for _, m := range messages {
		b := append(s.header(nil, m), m.text...)
		switch {
		case s.local, s.target.Network == networkUDP:
			if len(b) > maxDatagram {
				b = b[:maxDatagram]
				s.out.Warn("an event is too large for a datagram and was cut", "event", m.ID)
			}
			if _, err := s.conn.Write(b); err != nil {
				return err
			}
		case s.target.Network == networkUnix:
			all = append(append(all, b...), '\n')
		default:
			all = strconv.AppendInt(all, int64(len(b)), 10)
			all = append(append(all, ' '), b...)
		}
	}
	if len(all) == 0 {
		return nil
	}
	_, err := s.conn.Write(all)
	return err
}

// settle waits for what can be known of the messages' arrival: that the receiver's
// machine has all of them, and has not refused them or ended the connection
// meanwhile. busy does not wait for the latter.
func (s *syslog) settle(ctx context.Context, busy bool) error {
	for began := time.Now(); ; {
		left, err := unsent(s.conn)
		if err != nil {
			return err
		}
		if left == 0 && (busy || time.Since(began) >= gather) {
			break
		}
		select {
		case <-s.ended:
			return errors.New("the receiver has ended the connection")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	if s.gone() {
		return errors.New("the receiver has ended the connection")
	}
	return nil
}

func (s *syslog) close() error {
	s.disconnect()
	return nil
}
