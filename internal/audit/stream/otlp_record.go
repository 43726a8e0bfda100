package stream

import (
	"strings"
	"time"

	collector "go.opentelemetry.io/proto/slim/otlp/collector/logs/v1"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	logs "go.opentelemetry.io/proto/slim/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/slim/otlp/resource/v1"
)

// attributes of OpenTelemetry. Empty ones are left out.
type attributes []*common.KeyValue

func (a *attributes) text(key, value string) {
	if value != "" {
		*a = append(*a, &common.KeyValue{Key: key, Value: stringValue(value)})
	}
}

func (a *attributes) bool(key string, value *bool) {
	if value != nil {
		*a = append(*a, &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_BoolValue{BoolValue: *value}}})
	}
}

func stringValue(s string) *common.AnyValue {
	// protobuf takes no other strings, and a record holds nothing else.
	return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: strings.ToValidUTF8(s, "\uFFFD")}}
}

// logsOf are messages as log records. Those of one account and region that follow
// on each other have the resource in common.
func logsOf(messages []message, now time.Time) *collector.ExportLogsServiceRequest {
	request := new(collector.ExportLogsServiceRequest)
	var scope *logs.ScopeLogs
	for i, m := range messages {
		if i == 0 || m.RecipientAccount != messages[i-1].RecipientAccount || m.Region != messages[i-1].Region {
			var a attributes
			a.text("service.name", "warder")
			a.text("cloud.provider", "aws")
			a.text("cloud.region", m.Region)
			a.text("cloud.account.id", m.RecipientAccount)
			scope = &logs.ScopeLogs{Scope: &common.InstrumentationScope{Name: "github.com/warder-iam/warder/internal/audit/stream"}}
			request.ResourceLogs = append(request.ResourceLogs, &logs.ResourceLogs{Resource: &resource.Resource{Attributes: a}, ScopeLogs: []*logs.ScopeLogs{scope}})
		}
		scope.LogRecords = append(scope.LogRecords, logRecord(m, now))
	}
	return request
}

// rating is the severity of an outcome
// (https://opentelemetry.io/docs/specs/otel/logs/data-model/#severity-fields).
var rating = map[outcome]struct {
	number logs.SeverityNumber
	text   string
}{
	succeeded: {logs.SeverityNumber_SEVERITY_NUMBER_INFO, "INFO"},
	failed:    {logs.SeverityNumber_SEVERITY_NUMBER_INFO2, "NOTICE"},
	refused:   {logs.SeverityNumber_SEVERITY_NUMBER_WARN, "WARN"},
}

// logRecord has the event as its body, and as attributes what OpenTelemetry's
// conventions name: the general ones (https://opentelemetry.io/docs/specs/semconv/),
// and those that the collector's own reading of CloudTrail files gives them
// (https://github.com/open-telemetry/opentelemetry-collector-contrib, awslogsencodingextension).
func logRecord(m message, now time.Time) *logs.LogRecord {
	r, id := m.record, &m.UserIdentity
	severity := rating[m.outcome()]
	var a attributes
	a.text("aws.cloudtrail.event_version", r.EventVersion)
	a.text("aws.cloudtrail.event_id", r.EventID)
	a.text("rpc.system", r.EventType)
	a.text("rpc.service", r.EventSource)
	a.text("rpc.method", r.EventName)
	a.text("aws.request_id", r.RequestID)
	a.text("aws.event.category", r.EventCategory)
	a.bool("aws.event.read_only", r.ReadOnly)
	a.bool("aws.event.management", r.Management)
	a.text("aws.shared_event_id", r.SharedEventID)
	a.text("client.address", r.SourceIP)
	a.text("source.address", r.SourceIP)
	a.text("user_agent.original", r.UserAgent)
	a.text("server.address", r.TLS.Host)
	a.text("tls.protocol.version", strings.TrimPrefix(r.TLS.Version, "TLSv"))
	a.text("tls.cipher", r.TLS.Cipher)
	a.text("user.id", id.PrincipalID)
	a.text("user.name", id.UserName)
	a.text("aws.principal.type", id.Type)
	a.text("aws.principal.id", id.PrincipalID)
	a.text("aws.principal.arn", id.ARN)
	a.text("aws.access_key.id", id.AccessKeyID)
	a.text("aws.user_identity.account_id", id.Account)
	a.text("aws.user_identity.invoked_by", id.InvokedBy)
	if s := &id.Session; s.Attributes.MFA != "" {
		mfa := s.Attributes.MFA == "true"
		a.bool("aws.user_identity.session_context.attributes.mfa_authenticated", &mfa)
		a.text("aws.user_identity.session_context.attributes.creation_date", s.Attributes.Created)
		a.text("aws.user_identity.session_context.issuer.type", s.Issuer.Type)
		a.text("aws.user_identity.session_context.issuer.principal_id", s.Issuer.PrincipalID)
		a.text("aws.user_identity.session_context.issuer.arn", s.Issuer.ARN)
		a.text("aws.user_identity.session_context.issuer.account_id", s.Issuer.Account)
		a.text("aws.user_identity.session_context.issuer.user_name", s.Issuer.UserName)
	}
	a.text("error.type", r.ErrorCode)
	a.text("aws.error.code", r.ErrorCode)
	a.text("aws.error.message", r.ErrorMessage)
	return &logs.LogRecord{
		TimeUnixNano: uint64(m.Time.UnixNano()), ObservedTimeUnixNano: uint64(now.UnixNano()),
		SeverityNumber: severity.number, SeverityText: severity.text,
		Body: stringValue(string(m.text)), Attributes: a,
	}
}
