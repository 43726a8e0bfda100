package api_test

import (
	"reflect"
	"testing"

	"github.com/warder-iam/warder/internal/api"
	"github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/api/sts"
)

func TestServices(t *testing.T) {
	for _, test := range []struct {
		service    *api.Service
		operations int
	}{{&iam.Service, 176}, {&sts.Service, 11}} {
		s := test.service
		if len(s.Operations) != test.operations {
			t.Errorf("%s has %d operations, want %d", s.ID, len(s.Operations), test.operations)
		}
		for i := range s.Operations {
			op := &s.Operations[i]
			if s.Operation(op.Name) != op {
				t.Errorf("%s.%s is not found by its name", s.ID, op.Name)
			}
			for _, side := range []struct {
				t     reflect.Type
				shape api.ShapeIndex
			}{{op.Input, op.InputShape}, {op.Output, op.OutputShape}} {
				shape := s.Shape(side.shape)
				if shape == nil {
					if side.t != reflect.TypeFor[api.None]() {
						t.Errorf("%s.%s: %v has no shape", s.ID, op.Name, side.t)
					}
					continue
				}
				if side.t.NumField() != len(shape.Members) {
					t.Errorf("%s.%s: %v and %s differ", s.ID, op.Name, side.t, shape.Name)
				}
			}
			if (op.ResultWrapper != "") != (op.OutputShape != api.NoShape) {
				t.Errorf("%s.%s: result wrapper %q", s.ID, op.Name, op.ResultWrapper)
			}
		}
		if s.Operation("createuser") != nil || s.Operation("") != nil {
			t.Errorf("%s finds operations that it has not", s.ID)
		}
	}
}

func TestErrorStatus(t *testing.T) {
	for _, test := range []struct {
		service *api.Service
		code    string
		status  int
		sender  bool
	}{
		{&iam.Service, "NoSuchEntity", 404, true},
		{&iam.Service, "EntityAlreadyExists", 409, true},
		{&iam.Service, "InvalidAuthenticationCode", 403, true},
		{&iam.Service, "ReportNotPresent", 410, true},
		{&iam.Service, "ServiceFailure", 500, false},
		{&iam.Service, "PolicyEvaluation", 500, false},
		{&iam.Service, "OrganizationNotFoundException", 400, true},
		{&iam.Service, "AccessDenied", 403, true},
		{&iam.Service, "ValidationError", 400, true},
		{&iam.Service, "NotImplemented", 501, false},
		{&iam.Service, "NoSuchCode", 500, false},
		{&sts.Service, "PackedPolicyTooLarge", 400, true},
		{&sts.Service, "ExpiredTokenException", 400, true},
		{&sts.Service, "ExpiredToken", 403, true},
		{&sts.Service, "InternalFailure", 500, false},
		{&sts.Service, "", 500, false},
	} {
		status, sender := test.service.ErrorStatus(test.code)
		if status != test.status || sender != test.sender {
			t.Errorf("%s %q: %d, %t; want %d, %t", test.service.ID, test.code, status, sender, test.status, test.sender)
		}
	}
}

func TestNoAuth(t *testing.T) {
	want := map[string]bool{"AssumeRoleWithSAML": true, "AssumeRoleWithWebIdentity": true}
	for _, s := range []*api.Service{&iam.Service, &sts.Service} {
		for _, op := range s.Operations {
			if op.NoAuth != want[op.Name] {
				t.Errorf("%s.%s takes unsigned requests: %t", s.ID, op.Name, op.NoAuth)
			}
		}
	}
}
