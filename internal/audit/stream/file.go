package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// lines are messages as JSON lines.
func lines(messages []message) []byte {
	var b bytes.Buffer
	for _, m := range messages {
		b.Write(m.text)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// file appends lines to a file. It is opened for every batch, so whoever rotates it
// moves it away and has to tell nobody.
type file struct{ path string }

// openFile says whether the file can be written, too.
func openFile(path string) (*file, error) {
	f := &file{path}
	opened, _, err := f.open()
	if err != nil {
		return nil, err
	}
	return f, opened.Close()
}

// open opens the file, and makes it if there is none, for its owner's eyes: events
// say who does what.
func (f *file) open() (*os.File, int64, error) {
	// Opening a pipe would wait for its reader.
	if info, err := os.Stat(f.path); err == nil && !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s is not a regular file", f.path)
	}
	opened, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, 0, err
	}
	info, err := opened.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, opened.Close())
	}
	return opened, info.Size(), nil
}

func (f *file) send(_ context.Context, messages []message) error {
	opened, size, err := f.open()
	if err != nil {
		return err
	}
	text := lines(messages)
	if size > 0 {
		// A line that a crash has torn must not take the next one with it.
		last := make([]byte, 1)
		if _, err := opened.ReadAt(last, size-1); err != nil {
			return errors.Join(err, opened.Close())
		}
		if last[0] != '\n' {
			text = append([]byte{'\n'}, text...)
		}
	}
	if _, err := opened.Write(text); err != nil {
		return errors.Join(err, opened.Truncate(size), opened.Close()) // the disk may be full
	}
	// The position moves on after this, and must not be ahead of the file.
	return errors.Join(opened.Sync(), opened.Close())
}

func (f *file) close() error { return nil }

// pipe writes lines to what may take its time.
type pipe struct{ w io.Writer }

// stdout is standard output. Without a reader it is an error to be retried, and not
// the end of the process.
func stdout() *pipe {
	signal.Ignore(syscall.SIGPIPE)
	return &pipe{os.Stdout}
}

// send waits as long as it takes: what is written to a pipe that nobody empties
// cannot be taken back and tried again. At the end of the server it is left to
// itself.
func (p *pipe) send(ctx context.Context, messages []message) error {
	written := make(chan error, 1)
	go func() {
		_, err := p.w.Write(lines(messages))
		written <- err
	}()
	select {
	case err := <-written:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pipe) close() error { return nil }
