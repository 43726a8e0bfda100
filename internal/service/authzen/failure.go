package authzen

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// A failure is why a question has no decision. For a single question it is the
// HTTP response; in a list it stands in the context of its denial.
type failure struct {
	Status  int    `json:"status"`
	Message string `json:"message"`
}

func malformed(format string, args ...any) *failure {
	return &failure{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

func tooLarge() *failure {
	return &failure{http.StatusRequestEntityTooLarge, fmt.Sprintf("the request body is larger than %d bytes", maxBody)}
}

func isTooLarge(err error) bool {
	_, ok := errors.AsType[*http.MaxBytesError](err)
	return ok
}

// reply writes an answer as JSON.
func reply(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // a client that has gone away is nobody to tell
}
