// Package api holds the types in which a service's API model is described to
// the rest of Warder: its operations, the shapes of their inputs and outputs,
// the constraints on every member and the HTTP status of every error.
//
// The descriptions themselves are generated, a package a service (api/iam,
// api/sts), by api/gen from the models in api/models. Each such package has a
// struct for every structure an operation reaches, constants for the enums
// and one variable, Service.
//
// The callers are internal/wire, which reads and writes the structs by these
// descriptions, internal/server, which routes to operations, and the services,
// which work with the structs. The package knows no protocol, holds no rule of
// any service and has no registry: whoever wants a service imports its package.
//
// In the generated structs a scalar is a pointer, a list a slice of values, a
// nested structure a pointer in a structure and a value in a list. What was
// not sent is nil; a list that was sent empty is a slice of length zero.
package api

import (
	"cmp"
	"net/http"
	"reflect"
	"slices"
	"sync"
)

//go:generate go run ./gen -models models -out . iam sts cloudtrail events sns

// A Service is one AWS API at one version.
type Service struct {
	ID             string // "IAM": the service id of the SDKs
	Name           string // "AWS Identity and Access Management"
	Abbreviation   string // "IAM": the name in error texts and documents
	Version        string // "2010-05-08"
	Protocol       string // "query", "json", "rest-json" or "rest-xml"
	XMLNamespace   string // the namespace of XML documents, if the protocol has them
	SigningName    string // "iam": the service in a signature's scope
	EndpointPrefix string // "iam": the first label of the host name
	GlobalEndpoint string // "iam.amazonaws.com", if the service has one
	HidesValues    bool   // whether its refusals of values leave the values out
	JSONVersion    string // "1.1", in the json protocol
	TargetPrefix   string // of X-Amz-Target, in the json protocol

	Operations []Operation // by name
	Errors     []Error     // by code
	Shapes     []Shape     // by the indexes that operations and members name

	once   sync.Once
	byName map[string]*Operation
}

// An Operation is one call of a service.
type Operation struct {
	Name string

	// Input and Output are struct types. An operation that the model gives no
	// input or output has None there, so neither is ever nil.
	Input, Output reflect.Type

	// InputShape and OutputShape are indexes into Service.Shapes, or NoShape.
	InputShape, OutputShape ShapeIndex

	// ResultWrapper names the element around the output in the query
	// protocol; it is empty when there is no output.
	ResultWrapper string

	Errors     []string // the codes the model lists, by code
	Pagination *Pagination

	// NoAuth is set on an operation that takes unsigned requests, such as
	// AssumeRoleWithWebIdentity, which is authenticated by what it carries.
	NoAuth bool
}

// None stands for the input or output of an operation that has none.
type None struct{}

// NewInput makes an empty input, a pointer to a struct of type Input.
func (o *Operation) NewInput() any { return reflect.New(o.Input).Interface() }

// NewOutput makes an empty output, a pointer to a struct of type Output.
func (o *Operation) NewOutput() any { return reflect.New(o.Output).Interface() }

// Pagination names the members by which an operation's pages are asked for
// and answered.
type Pagination struct {
	InputToken  string   // "Marker"
	OutputToken string   // "Marker"
	LimitKey    string   // "MaxItems"; empty if the caller cannot choose
	MoreResults string   // "IsTruncated"; empty if the token alone says so
	ResultKeys  []string // the lists that the pages go on with
}

// An Error is one of a service's error shapes.
type Error struct {
	Code        string // as it stands on the wire: "NoSuchEntity"
	Shape       string // the model's name: "NoSuchEntityException"
	Status      int    // the HTTP status
	SenderFault bool   // whether the caller is to blame
}

// A ShapeIndex is a place in Service.Shapes. Shapes refer to one another by
// index, not by pointer, because models are recursive.
type ShapeIndex int

// NoShape is the ShapeIndex of an absent shape.
const NoShape ShapeIndex = -1

// A Kind is the type of a shape in the model.
type Kind uint8

// The kinds of shape.
const (
	Structure Kind = iota + 1
	List
	Map
	String
	Integer // 32 bits
	Long    // 64 bits
	Float
	Double
	Boolean
	Timestamp
	Blob
)

// A Shape is a type of the model together with its constraints. The members
// of a structure stand in the order of the Go struct's fields.
type Shape struct {
	Name      string
	Kind      Kind
	Sensitive bool // values are secrets and stand in no message or log
	Flattened bool // a list or map without a wrapping element

	// Min and Max bound a length (of a string in characters, a list or map in
	// entries, a blob in bytes) or a number's value; they count only where
	// HasMin and HasMax say so.
	Min, Max       int64
	HasMin, HasMax bool
	Pattern        string   // a regular expression in Java's dialect; matches the whole value
	PatternText    string   // the service's own sentence for a value that does not match, if it has one
	Enum           []string // the values a string may have

	Members    []Member   // of a structure
	Elem       ShapeIndex // of a list's members or a map's values
	ElemName   string     // the list member's or map value's name on the wire, if not the protocol's own
	Key        ShapeIndex // of a map's keys
	KeyName    string     // the map key's name on the wire, if not the protocol's own
	TimeFormat string     // of a timestamp, if not the protocol's own
}

// A Member is a field of a structure.
type Member struct {
	Name         string // in the model
	Shape        ShapeIndex
	Required     bool
	LocationName string // on the wire, if not Name
	Location     string // "header", "uri" and so on; empty is the body
}

// Operation finds an operation by its exact name; it is nil if there is none.
func (s *Service) Operation(name string) *Operation {
	s.once.Do(func() {
		s.byName = make(map[string]*Operation, len(s.Operations))
		for i := range s.Operations {
			s.byName[s.Operations[i].Name] = &s.Operations[i]
		}
	})
	return s.byName[name]
}

// Shape is the shape at an index; it is nil for NoShape.
func (s *Service) Shape(i ShapeIndex) *Shape {
	if i < 0 {
		return nil
	}
	return &s.Shapes[i]
}

// ErrorStatus is the HTTP status of an error code and whether the sender is at
// fault. The service's own model goes first, then the errors common to all
// services. A code known to neither is a mistake of ours, so it is a 500 that
// is not blamed on the caller. A nil Service has the common errors alone.
func (s *Service) ErrorStatus(code string) (status int, senderFault bool) {
	if s != nil {
		if i, ok := slices.BinarySearchFunc(s.Errors, code, func(e Error, code string) int {
			return cmp.Compare(e.Code, code)
		}); ok {
			return s.Errors[i].Status, s.Errors[i].SenderFault
		}
	}
	if status, ok := commonStatus[code]; ok {
		return status, status < http.StatusInternalServerError
	}
	return http.StatusInternalServerError, false
}

// Deref is the value p points to, or the zero value if p is nil.
func Deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
