package stream

import "encoding/json"

// The form of OCSF events, as far as CloudTrail's records fill it. Objects that
// would be empty are left out; a text that is always there has no omitempty.
// (https://schema.ocsf.io/1.5.0/, classes account_change, authentication and
// api_activity, profiles cloud and datetime.) Who, when and what come first, and
// what may be large comes last, for receivers that cut.

const ocsfVersion = "1.5.0"

type ocsfEvent struct {
	ClassUID     int           `json:"class_uid"`
	ClassName    string        `json:"class_name"`
	CategoryUID  int           `json:"category_uid"`
	CategoryName string        `json:"category_name"`
	ActivityID   int           `json:"activity_id"`
	ActivityName string        `json:"activity_name"`
	TypeUID      int           `json:"type_uid"`
	TypeName     string        `json:"type_name"`
	SeverityID   int           `json:"severity_id"`
	Severity     string        `json:"severity"`
	StatusID     int           `json:"status_id"`
	Status       string        `json:"status"`
	StatusCode   string        `json:"status_code,omitempty"`
	StatusDetail string        `json:"status_detail,omitempty"`
	Time         int64         `json:"time"`
	TimeDT       string        `json:"time_dt"`
	Metadata     ocsfMetadata  `json:"metadata"`
	Cloud        ocsfCloud     `json:"cloud"`
	Actor        *ocsfActor    `json:"actor,omitempty"`
	SrcEndpoint  *ocsfEndpoint `json:"src_endpoint"`
	HTTPRequest  *ocsfHTTP     `json:"http_request,omitempty"`

	User        *ocsfUser        `json:"user,omitempty"`         // 3001, 3002
	Policy      *ocsfNamed       `json:"policy,omitempty"`       // 3001
	Session     *ocsfSession     `json:"session,omitempty"`      // 3002
	Service     *ocsfNamed       `json:"service,omitempty"`      // 3002
	DstEndpoint *ocsfEndpoint    `json:"dst_endpoint,omitempty"` // 3002
	MFA         *bool            `json:"is_mfa,omitempty"`       // 3002
	Resources   []ocsfResource   `json:"resources,omitempty"`    // 6003
	Observables []ocsfObservable `json:"observables,omitempty"`

	API      *ocsfAPI          `json:"api"`
	Unmapped map[string]string `json:"unmapped,omitempty"`
	RawData  string            `json:"raw_data,omitempty"`
}

type ocsfMetadata struct {
	Version     string      `json:"version"`
	Profiles    []string    `json:"profiles"`
	UID         string      `json:"uid"`
	Correlation string      `json:"correlation_uid,omitempty"`
	EventCode   string      `json:"event_code,omitempty"`
	Product     ocsfProduct `json:"product"`
}

type ocsfProduct struct {
	Name    string     `json:"name"`
	Vendor  string     `json:"vendor_name"`
	Version string     `json:"version,omitempty"`
	Feature *ocsfNamed `json:"feature,omitempty"`
}

// ocsfNamed is any object of a name and a uid.
type ocsfNamed struct {
	Name string `json:"name,omitempty"`
	UID  string `json:"uid,omitempty"`
}

type ocsfCloud struct {
	Provider string     `json:"provider"`
	Region   string     `json:"region,omitempty"`
	Account  *ocsfNamed `json:"account,omitempty"`
}

type ocsfActor struct {
	User      *ocsfUser    `json:"user,omitempty"`
	Session   *ocsfSession `json:"session,omitempty"`
	IDP       *ocsfNamed   `json:"idp,omitempty"`
	InvokedBy string       `json:"invoked_by,omitempty"`
}

type ocsfUser struct {
	Type          string     `json:"type,omitempty"`
	Name          string     `json:"name,omitempty"`
	UID           string     `json:"uid,omitempty"`
	UIDAlt        string     `json:"uid_alt,omitempty"`
	CredentialUID string     `json:"credential_uid,omitempty"`
	Account       *ocsfNamed `json:"account,omitempty"`
}

type ocsfSession struct {
	UID           string `json:"uid,omitempty"`
	UIDAlt        string `json:"uid_alt,omitempty"`
	CredentialUID string `json:"credential_uid,omitempty"`
	Issuer        string `json:"issuer,omitempty"`
	MFA           *bool  `json:"is_mfa,omitempty"`
	Created       int64  `json:"created_time,omitempty"`
	CreatedDT     string `json:"created_time_dt,omitempty"`
}

type ocsfEndpoint struct {
	IP      string `json:"ip,omitempty"`
	Domain  string `json:"domain,omitempty"`
	UID     string `json:"uid,omitempty"`
	Name    string `json:"name,omitempty"`
	SvcName string `json:"svc_name,omitempty"`
}

type ocsfHTTP struct {
	UserAgent string `json:"user_agent"`
}

type ocsfResource struct {
	UID   string    `json:"uid,omitempty"`
	Type  string    `json:"type,omitempty"`
	Owner *ocsfUser `json:"owner,omitempty"`
}

type ocsfObservable struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	TypeID int    `json:"type_id"`
	Value  string `json:"value"`
}

type ocsfAPI struct {
	Operation string        `json:"operation"`
	Version   string        `json:"version,omitempty"`
	Service   *ocsfNamed    `json:"service,omitempty"`
	Request   *ocsfRequest  `json:"request,omitempty"`
	Response  *ocsfResponse `json:"response,omitempty"`
}

type ocsfRequest struct {
	UID  string          `json:"uid"`
	Data json.RawMessage `json:"data,omitempty"`
}

type ocsfResponse struct {
	Error   string          `json:"error,omitempty"`
	Message string          `json:"message,omitempty"`
	Data    json.RawMessage `json:"data,omitempty"`
}
