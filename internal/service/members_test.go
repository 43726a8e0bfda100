package service_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/warder-iam/warder/internal/api"
	cloudtrailapi "github.com/warder-iam/warder/internal/api/cloudtrail"
	eventsapi "github.com/warder-iam/warder/internal/api/events"
	iamapi "github.com/warder-iam/warder/internal/api/iam"
	snsapi "github.com/warder-iam/warder/internal/api/sns"
	stsapi "github.com/warder-iam/warder/internal/api/sts"
)

// unread are the members of inputs that no rule reads, and why.
var unread = map[string]string{
	"AssumeRoleRequest.ExternalId":                                   "for trust policies to ask: sts:ExternalId",
	"AssumeRootRequest.TaskPolicyArn":                                "checked in the authorization entry; nobody gets a session",
	"AssumeRootRequest.DurationSeconds":                              "nobody gets a session",
	"GenerateOrganizationsAccessReportRequest.EntityPath":            "in the resource that is authorized; no account is in an organization",
	"GenerateOrganizationsAccessReportRequest.OrganizationsPolicyId": "for policies to ask; no account is in an organization",
	"GetOrganizationsAccessReportRequest.SortKey":                    "there is no report to sort",
	"DeleteRuleRequest.Force":                                        "for rules that services manage, of which there are none",
	"RemoveTargetsRequest.Force":                                     "for rules that services manage, of which there are none",
}

// nothing are operations that are refused, or answer that there is nothing, whatever
// is asked: the members that narrow the question down need not be read.
var nothing = map[string]string{
	"DeregisterOrganizationDelegatedAdmin": "no account is in an organization",
	"RegisterOrganizationDelegatedAdmin":   "no account is in an organization",
	"GenerateQuery":                        "there is no engine for queries",
	"GetQueryResults":                      "there is no engine for queries",
	"ListQueries":                          "there is no engine for queries",
	"SearchSampleQueries":                  "there is no engine for queries",
	"ListImports":                          "there are no imports",
	"ListImportFailures":                   "there are no imports",
	"ListInsightsMetricData":               "metric data is not kept",
	"CreateArchive":                        "not implemented",
	"UpdateArchive":                        "not implemented",
	"StartReplay":                          "not implemented",
	"ListArchives":                         "there are no archives",
	"ListReplays":                          "there are no replays",
	"CreateEndpoint":                       "not implemented",
	"UpdateEndpoint":                       "not implemented",
	"DescribeEndpoint":                     "there are no global endpoints",
	"ListEndpoints":                        "there are no global endpoints",
	"CreatePartnerEventSource":             "not implemented",
	"DeletePartnerEventSource":             "there are no partner event sources",
	"ListPartnerEventSourceAccounts":       "there are no partner event sources",
	"PutPartnerEvents":                     "not implemented",
	"CheckIfPhoneNumberIsOptedOut":         "not implemented",
	"CreatePlatformApplication":            "not implemented",
	"CreatePlatformEndpoint":               "not implemented",
	"CreateSMSSandboxPhoneNumber":          "not implemented",
	"DeleteEndpoint":                       "not implemented",
	"DeletePlatformApplication":            "not implemented",
	"DeleteSMSSandboxPhoneNumber":          "not implemented",
	"GetDataProtectionPolicy":              "not implemented",
	"GetEndpointAttributes":                "not implemented",
	"GetPlatformApplicationAttributes":     "not implemented",
	"GetSMSAttributes":                     "not implemented",
	"GetSMSSandboxAccountStatus":           "not implemented",
	"ListEndpointsByPlatformApplication":   "not implemented",
	"ListOriginationNumbers":               "not implemented",
	"ListPhoneNumbersOptedOut":             "not implemented",
	"ListPlatformApplications":             "not implemented",
	"ListSMSSandboxPhoneNumbers":           "not implemented",
	"OptInPhoneNumber":                     "not implemented",
	"PutDataProtectionPolicy":              "not implemented",
	"SetEndpointAttributes":                "not implemented",
	"SetPlatformApplicationAttributes":     "not implemented",
	"SetSMSAttributes":                     "not implemented",
	"VerifySMSSandboxPhoneNumber":          "not implemented",
}

// TestMembers finds members of inputs that are accepted and then ignored: each
// must be selected (in.Member) in a function that takes the input, as handlers
// and their steps do. What only an authorization entry looks at does not count.
func TestMembers(t *testing.T) {
	excused := make(map[string]bool)
	for folder, model := range map[string]*api.Service{"cloudtrail": &cloudtrailapi.Service, "events": &eventsapi.Service, "iam": &iamapi.Service, "sns": &snsapi.Service, "sts": &stsapi.Service} {
		read := membersRead(t, folder)
		if len(read) == 0 {
			t.Fatalf("no function in %s takes an input", folder)
		}
		for _, op := range model.Operations {
			for i := range op.Input.NumField() {
				member := op.Input.Name() + "." + op.Input.Field(i).Name
				switch {
				case unread[member] != "" && read[member]:
					t.Errorf("%s is read after all", member)
				case unread[member] != "":
					excused[member] = true
				case !read[member] && nothing[op.Name] == "":
					t.Errorf("%s: %s is ignored", op.Name, member)
				}
			}
		}
	}
	for member := range unread {
		if !excused[member] {
			t.Errorf("%s is in no input", member)
		}
	}
}

// membersRead is which members are selected from parameters of type *api.INPUT
// in the functions of a folder, as INPUT.Member.
func membersRead(t *testing.T, folder string) map[string]bool {
	read := make(map[string]bool)
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			switch f := n.(type) {
			case *ast.FuncDecl:
				selected(f.Type, f.Body, read)
			case *ast.FuncLit:
				selected(f.Type, f.Body, read)
			}
			return true
		})
	}
	return read
}

// selected adds what a function selects from its parameters.
func selected(signature *ast.FuncType, body *ast.BlockStmt, read map[string]bool) {
	inputs := make(map[string]string) // by the names of parameters
	for _, field := range signature.Params.List {
		pointer, ok := field.Type.(*ast.StarExpr)
		if !ok {
			continue
		}
		if named, ok := pointer.X.(*ast.SelectorExpr); ok && ast.Unparen(named.X).(*ast.Ident).Name == "api" {
			for _, name := range field.Names {
				inputs[name.Name] = named.Sel.Name
			}
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if from, ok := s.X.(*ast.Ident); ok && inputs[from.Name] != "" {
				read[inputs[from.Name]+"."+s.Sel.Name] = true
			}
		}
		return true
	})
}
