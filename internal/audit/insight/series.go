package insight

import (
	"math"
	"strings"
	"time"
)

// api is what is counted: the calls of one API, or its errors of one code.
type api struct {
	Type, Account, Region, Source, Name, Error string
}

func (a *api) key() string {
	return strings.Join([]string{a.Type, a.Region, a.Source, a.Name, a.Error}, "|")
}

// series is how often it was called.
type series struct {
	API    api             `json:"api"`
	Hours  map[int64]*hour `json:"hours"`            // of the last seven days, by number
	Recent []minute        `json:"recent,omitempty"` // the minutes of the window
	Open   *open           `json:"open,omitempty"`   // what is unusual now
	// Baseline is who called in usual times.
	Baseline attributes `json:"baseline"`
}

// hour is what was in an hour.
type hour struct {
	Calls int64 `json:"n"`
	Peak  int64 `json:"p"` // most calls in a window that was not unusual
}

type minute struct {
	Number int64      `json:"m"`
	Calls  int64      `json:"n"`
	Who    attributes `json:"w"`
}

// open is an Insight that has begun.
type open struct {
	Start   int64      `json:"start"` // the first minute of the window that was unusual
	Last    int64      `json:"last"`  // the last minute in which the rate was
	Calls   int64      `json:"calls"`
	Average float64    `json:"average"` // calls a minute before
	Minutes int64      `json:"minutes"` // of the baseline
	Who     attributes `json:"who"`
}

// call counts a call. One that comes late counts in its hour only.
func (s *series) call(at int64, r *record) {
	h := s.Hours[at/60]
	if h == nil {
		s.forget(at)
		h = &hour{}
		s.Hours[at/60] = h
	}
	h.Calls++
	last := len(s.Recent) - 1
	if last < 0 || s.Recent[last].Number < at {
		s.close()
		s.Recent = append(s.Recent, minute{Number: at, Who: attributes{}})
		last++
	}
	if s.Recent[last].Number > at {
		return
	}
	s.Recent[last].Calls++
	s.Recent[last].Who.count(r)
	for s.Recent[0].Number <= at-window {
		if s.Open == nil {
			s.Baseline.addAll(s.Recent[0].Who)
		}
		s.Recent = s.Recent[1:]
	}
	if s.Open != nil {
		s.Open.Calls++
		s.Open.Who.count(r)
		if s.above(s.Open.Average) {
			s.Open.Last = at
		}
	}
}

// close notes the height of the window when its last minute is over.
func (s *series) close() {
	if len(s.Recent) == 0 || s.Open != nil {
		return
	}
	if h := s.Hours[s.Recent[len(s.Recent)-1].Number/60]; h != nil {
		h.Peak = max(h.Peak, s.inWindow())
	}
}

// forget lets go of the hours that are too old for the baseline.
func (s *series) forget(at int64) {
	for n := range s.Hours {
		if n < at/60-int64(history/time.Hour) {
			delete(s.Hours, n)
		}
	}
}

// inWindow is how many calls the window has.
func (s *series) inWindow() (n int64) {
	for _, m := range s.Recent {
		n += m.Calls
	}
	return n
}

// average is how many calls a minute there were in the days before the window.
func (s *series) average(at int64, since time.Time) float64 {
	calls := -s.inWindow()
	for n, h := range s.Hours {
		if n >= at/60-int64(history/time.Hour) {
			calls += h.Calls
		}
	}
	return float64(max(calls, 0)) / float64(baselineMinutes(at, since))
}

func baselineMinutes(at int64, since time.Time) int64 {
	return max(min(at-minuteOf(since), int64(history/time.Minute))-window, 1)
}

// above says whether the window is far above an average.
func (s *series) above(average float64) bool {
	n, expected := float64(s.inWindow()), average*window
	return n >= fewest && n > expected+6*math.Sqrt(expected)
}

// unusual says whether the window is: far above the average, and nothing like what
// there was in the days before.
func (s *series) unusual(average float64) bool {
	peak := int64(0)
	for _, h := range s.Hours {
		peak = max(peak, h.Peak)
	}
	return s.above(average) && s.inWindow() > 2*peak
}

// open begins an Insight with the window.
func (s *series) open(at int64, average float64, since time.Time) {
	s.Open = &open{Start: s.Recent[0].Number, Last: at, Calls: s.inWindow(), Average: average, Minutes: baselineMinutes(at, since), Who: attributes{}}
	for _, m := range s.Recent {
		s.Open.Who.addAll(m.Who)
	}
}
