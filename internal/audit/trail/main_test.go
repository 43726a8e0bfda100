package trail

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

// childFolder names the folder to write to, to a child of TestKill.
const childFolder = "TRAIL_TEST_FOLDER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childFolder); dir != "" {
		child(dir)
	}
	os.Exit(m.Run())
}

// child appends events and says how many are surely on the disk, until it is killed.
func child(dir string) {
	l, err := OpenLog(dir, Options{Every: time.Millisecond, SegmentSize: 20_000})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for n := 1; ; n++ {
		if err := l.Append(context.Background(), numbered(n)); err != nil {
			panic(err)
		}
		if n%37 == 0 {
			if err := l.Sync(context.Background()); err != nil {
				panic(err)
			}
			fmt.Println(n)
		}
	}
}

// TestKill kills a process that writes, again and again: what it has said to be on
// the disk is there, the log opens, tells of the crash, and is sound.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	for round := range 5 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childFolder+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		sure, lines := 0, 3+rand.IntN(20)
		for scan := bufio.NewScanner(out); scan.Scan(); lines-- {
			if sure, err = strconv.Atoi(scan.Text()); err != nil {
				t.Fatal(scan.Text())
			}
			if lines == 0 {
				cmd.Process.Kill()
			}
		}
		cmd.Wait()
		events, gaps := 0, 0
		for r, err := range Read(t.Context(), dir, 0) {
			switch {
			case err != nil:
				t.Fatal(err)
			case r.Gap != nil:
				events = 0 // the next process counts anew
				gaps++
			case r.Entry != nil:
				if events++; r.Entry.ID != fmt.Sprint("event-", events) {
					t.Fatalf("%s where event %d should be", r.Entry.ID, events)
				}
			}
		}
		if events < sure || sure == 0 || gaps != round {
			t.Fatalf("round %d: %d events, %d gaps; %d were said to be on the disk", round, events, gaps, sure)
		}
		if r := wantSound(t, dir); r.Closed {
			t.Error("closed")
		}
	}
}
