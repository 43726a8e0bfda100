package authn

import (
	"time"

	"github.com/warder-iam/warder/internal/state"
)

// Guessing of MFA codes and passwords is slowed down as RFC 4226, section 7.3
// asks: after five wrong guesses in a row no further one is looked at for a
// minute, and every wrong one after that doubles the wait. At the longest wait
// some hundred guesses a day are left, with which a code of six digits, of
// which three are good at a time, takes years to hit.
const (
	freeGuesses = 5
	firstWait   = time.Minute
	longestWait = 15 * time.Minute
)

// wrongGuess notes a wrong guess, and the wait that it brings.
func wrongGuess(g *state.Guesses, now time.Time) {
	g.Failures++
	if over := g.Failures - freeGuesses; over >= 0 {
		g.LockedUntil = now.Add(min(firstWait<<min(over, 8), longestWait))
	}
}

// locked says whether guesses are not looked at now.
func locked(g state.Guesses, now time.Time) bool { return now.Before(g.LockedUntil) }
