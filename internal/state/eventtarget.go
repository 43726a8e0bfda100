package state

import (
	"sync"

	"github.com/warder-iam/warder/internal/eventpattern"
)

// EventTarget is what a rule sends events to
// (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Target.html).
// It is immutable.
type EventTarget struct {
	ID   string // unique in the rule
	ARN  string
	Role string `json:",omitempty"` // ARN

	// At most one of these says what is sent; without any it is the event.
	Input       *string           `json:",omitempty"` // this JSON
	InputPath   *string           `json:",omitempty"` // this part of the event
	Transformer *InputTransformer `json:",omitempty"`

	HTTP       *EventHTTP  `json:",omitempty"` // of an API destination
	DeadLetter string      `json:",omitempty"` // ARN of where events go that could not be sent
	Retry      *EventRetry `json:",omitempty"` // nil: the defaults

	once     sync.Once
	path     *eventpattern.Path
	template *eventpattern.Template
	err      error
}

// InputTransformer makes a target's input: a template and the paths of its variables.
type InputTransformer struct {
	Paths    map[string]string `json:",omitempty"`
	Template string
}

// EventHTTP are the parameters of the requests to an API destination. The values
// may be JSON paths of the event.
type EventHTTP struct {
	PathParameters []string          `json:",omitempty"`
	Header         map[string]string `json:",omitempty"`
	Query          map[string]string `json:",omitempty"`
}

// EventRetry says how often and for how long sending is tried again; what is nil
// has EventBridge's default.
type EventRetry struct {
	Attempts   *int32 `json:",omitempty"`
	AgeSeconds *int32 `json:",omitempty"`
}

// What EventBridge does unless a target says otherwise
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html).
const (
	EventRetryAttempts   = 185
	EventRetryAgeSeconds = 24 * 60 * 60
)

// MaxAttempts is how often sending is tried again.
func (t *EventTarget) MaxAttempts() int {
	if t.Retry == nil || t.Retry.Attempts == nil {
		return EventRetryAttempts
	}
	return int(*t.Retry.Attempts)
}

// MaxAge is how many seconds an event is kept for the target.
func (t *EventTarget) MaxAge() int {
	if t.Retry == nil || t.Retry.AgeSeconds == nil {
		return EventRetryAgeSeconds
	}
	return int(*t.Retry.AgeSeconds)
}

// Payload makes what is sent of an event. A path that finds nothing in it gives
// null. An error means that what was saved cannot be read, which saving refuses.
func (t *EventTarget) Payload(event []byte, rule eventpattern.Rule) ([]byte, error) {
	t.once.Do(func() {
		switch {
		case t.InputPath != nil:
			t.path, t.err = eventpattern.CompilePath(*t.InputPath)
		case t.Transformer != nil:
			t.template, t.err = eventpattern.CompileTemplate(t.Transformer.Template, t.Transformer.Paths)
		}
	})
	switch {
	case t.err != nil:
		return nil, t.err
	case t.Input != nil:
		return []byte(*t.Input), nil
	case t.template != nil:
		return t.template.Fill(event, rule), nil
	case t.path != nil:
		if part, ok := t.path.Find(event); ok {
			return part, nil
		}
		return []byte("null"), nil
	}
	return event, nil
}
