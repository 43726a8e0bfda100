// Package wire reads and writes the AWS protocols: requests into the structs
// of internal/api, and those structs and errors into response bodies. It
// checks inputs against the constraints of the service's model and says what
// is wrong in AWS's words.
//
// It knows the query protocol, which IAM and STS speak, and AWS JSON 1.0 and 1.1:
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html,
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html. The plans and
// the validation do not depend on the protocol, so rest-json and
// rest-xml are further codecs beside these.
//
// The package does no I/O and does not know who is calling. internal/server
// is its caller: it reads the body within its own limit, then
//
//	form, err := wire.ParseForm(body, rawQuery, contentType)
//	op, err := wire.Operation(svc, form)
//	in, err := wire.DecodeQuery(svc, op, form)
//	err = wire.Validate(svc, op, in)
//	body := wire.AppendQueryResponse(nil, svc, op, out, requestID)
//
// Every error it returns is an *awserr.Error. What it allocates and how long
// it runs is linear in the size of the request (but for sorting the
// parameters), whatever the names and indexes in it say.
package wire
