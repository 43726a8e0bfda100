package stream

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/netip"
	"strings"
	"time"

	"github.com/warder-iam/warder/internal/audit/trail"
)

// ocsf is an event in the form of the Open Cybersecurity Schema Framework, after the
// published mapping of CloudTrail's events
// (https://github.com/ocsf/examples, mappings/markdown/AWS/v1.5.0/CloudTrail). One
// thing is otherwise: the vendor is not AWS. A record that is not whole goes along
// as it is.
func ocsf(r *record, e *trail.Entry, whole bool) []byte {
	c, activity := classOf(r)
	name, ok := c.activities[activity]
	if !ok {
		name = r.EventName
	}
	o := &ocsfEvent{
		ClassUID: c.uid, ClassName: c.name, CategoryUID: c.category, CategoryName: c.categoryName,
		ActivityID: activity, ActivityName: name, TypeUID: 100*c.uid + activity, TypeName: c.name + ": " + name,
		SeverityID: 1, Severity: "Informational", StatusID: 1, Status: "Success",
		StatusCode: r.ErrorCode, StatusDetail: r.ErrorMessage,
		Time: e.Time.UnixMilli(), TimeDT: e.Time.UTC().Format(time.RFC3339Nano),
		Metadata: ocsfMetadata{
			Version: ocsfVersion, Profiles: []string{"cloud", "datetime"}, UID: r.EventID, Correlation: r.SharedEventID, EventCode: r.EventType,
			Product: ocsfProduct{Name: "CloudTrail", Vendor: "Warder", Version: r.EventVersion, Feature: named(r.EventCategory, "")},
		},
		Cloud:       ocsfCloud{Provider: "AWS", Region: r.Region, Account: named("", r.RecipientAccount)},
		Actor:       actorOf(&r.UserIdentity),
		SrcEndpoint: sourceOf(r),
		API:         apiOf(r),
	}
	if r.ErrorCode != "" || r.answer().ConsoleLogin == "Failure" {
		o.StatusID, o.Status = 2, "Failure"
	}
	if r.UserAgent != "" {
		o.HTTPRequest = &ocsfHTTP{r.UserAgent}
	}
	switch c {
	case &accountChange:
		o.changed(r)
	case &authentication:
		o.loggedOn(r)
	default:
		o.touched(r)
	}
	o.observe()
	if whole {
		o.Unmapped = unmapped(e.JSON, c == &apiActivity)
	} else {
		o.RawData = string(e.JSON)
	}
	text, err := json.Marshal(o)
	if err != nil {
		// Parts of a record that is no JSON: the rest is ours, and marshals.
		o.API.Request, o.API.Response = nil, nil
		text, _ = json.Marshal(o)
	}
	return text
}

// named is an object of a name and a uid; nil if it has neither.
func named(name, uid string) *ocsfNamed {
	if name == "" && uid == "" {
		return nil
	}
	return &ocsfNamed{name, uid}
}

func userOf(id *identity) *ocsfUser {
	u := &ocsfUser{
		Type: id.Type, Name: id.UserName, UID: id.ARN, UIDAlt: id.PrincipalID, CredentialUID: id.AccessKeyID, Account: named("", id.Account),
	}
	if u.Name == "" && u.UID == "" && u.Account == nil {
		// A user must have one of these: it is called what it is, such as "Unknown".
		u.Name = cmp.Or(id.PrincipalID, id.Type, "Unknown")
	}
	return u
}

func actorOf(id *identity) *ocsfActor {
	a := &ocsfActor{User: userOf(id), IDP: named(cmp.Or(id.Provider, id.Session.WebIdentity.Provider), ""), InvokedBy: id.InvokedBy}
	s := &id.Session
	if s.Attributes.Created == "" && s.Attributes.MFA == "" && s.Issuer.ARN == "" {
		return a
	}
	a.Session = &ocsfSession{Issuer: s.Issuer.ARN}
	if s.Attributes.MFA != "" {
		mfa := s.Attributes.MFA == "true"
		a.Session.MFA = &mfa
	}
	if created, err := time.Parse(time.RFC3339, s.Attributes.Created); err == nil {
		a.Session.Created, a.Session.CreatedDT = created.UnixMilli(), s.Attributes.Created
	}
	return a
}

func sourceOf(r *record) *ocsfEndpoint {
	e := &ocsfEndpoint{UID: r.VPCEndpoint}
	if _, err := netip.ParseAddr(r.SourceIP); err == nil {
		e.IP = r.SourceIP
	} else {
		e.Domain = r.SourceIP // such as a service's name
	}
	if *e == (ocsfEndpoint{}) {
		e.Name = "unknown" // an endpoint must have something
	}
	return e
}

func apiOf(r *record) *ocsfAPI {
	a := &ocsfAPI{Operation: r.EventName, Version: r.APIVersion, Service: named(r.EventSource, "")}
	if data := some(r.Parameters); r.RequestID != "" || data != nil {
		a.Request = &ocsfRequest{cmp.Or(r.RequestID, r.EventID), data}
	}
	if data := some(r.Response); r.ErrorCode != "" || r.ErrorMessage != "" || data != nil {
		a.Response = &ocsfResponse{r.ErrorCode, r.ErrorMessage, data}
	}
	return a
}

// some is a JSON value, nil for null.
func some(v json.RawMessage) json.RawMessage {
	if string(v) == "null" {
		return nil
	}
	return v
}

// changed fills in what was changed: the user or role that the answer or the request
// names, or the caller if they name none.
func (o *ocsfEvent) changed(r *record) {
	var in struct {
		UserName, RoleName, PolicyArn, PolicyName string
	}
	type made struct{ Arn, UserName, UserID, RoleName, RoleID string }
	var out struct{ User, Role made }
	// Member names match without regard to case, and what is not there stays empty.
	_, _ = json.Unmarshal(r.Parameters, &in), json.Unmarshal(r.Response, &out)
	u := &ocsfUser{
		Name: cmp.Or(out.User.UserName, out.Role.RoleName, in.UserName, in.RoleName),
		UID:  cmp.Or(out.User.UserID, out.Role.RoleID), UIDAlt: cmp.Or(out.User.Arn, out.Role.Arn),
	}
	if u.Name == "" && u.UID == "" {
		u = userOf(&r.UserIdentity)
	}
	o.User, o.Policy = u, named(in.PolicyName, in.PolicyArn)
}

// loggedOn fills in who logged on where.
func (o *ocsfEvent) loggedOn(r *record) {
	var in struct {
		RoleArn, RoleSessionName, TargetPrincipal, Name string
	}
	var out struct {
		Credentials     struct{ AccessKeyID string }
		AssumedRoleUser struct{ Arn, AssumedRoleID string }
		FederatedUser   struct{ Arn, FederatedUserID string }
	}
	_, _ = json.Unmarshal(r.Parameters, &in), json.Unmarshal(r.Response, &out)
	o.User = userOf(&r.UserIdentity)
	o.User.CredentialUID = ""
	if as := cmp.Or(in.RoleArn, in.TargetPrincipal); as != "" {
		o.User = &ocsfUser{UID: as, Name: in.RoleSessionName, UIDAlt: r.UserIdentity.PrincipalID}
	} else if in.Name != "" {
		o.User.Name = in.Name
	}
	s := ocsfSession{
		UID: cmp.Or(out.AssumedRoleUser.Arn, out.FederatedUser.Arn), UIDAlt: cmp.Or(out.AssumedRoleUser.AssumedRoleID, out.FederatedUser.FederatedUserID),
		CredentialUID: out.Credentials.AccessKeyID,
	}
	if s != (ocsfSession{}) {
		o.Session = &s
	}
	o.Service = named(r.EventSource, "")
	if r.Additional.LoginTo != "" {
		o.DstEndpoint = &ocsfEndpoint{SvcName: r.Additional.LoginTo}
	}
	if used := r.Additional.MFAUsed; used != "" {
		mfa := used == "Yes"
		o.MFA = &mfa
	}
}

// touched fills in what the event is about.
func (o *ocsfEvent) touched(r *record) {
	for _, a := range r.Resources {
		if a.ARN == "" {
			continue // a resource must have something
		}
		resource := ocsfResource{UID: a.ARN, Type: a.Type}
		if a.Account != "" {
			resource.Owner = &ocsfUser{Account: named("", a.Account)}
		}
		o.Resources = append(o.Resources, resource)
	}
}

// observe lists what one searches for across all kinds of events
// (https://schema.ocsf.io/1.5.0/objects/observable).
func (o *ocsfEvent) observe() {
	add := func(name, kind string, id int, value string) {
		if value != "" {
			o.Observables = append(o.Observables, ocsfObservable{name, kind, id, value})
		}
	}
	add("src_endpoint.ip", "IP Address", 2, o.SrcEndpoint.IP)
	add("src_endpoint.domain", "Hostname", 1, o.SrcEndpoint.Domain)
	add("actor.user.name", "User Name", 4, o.Actor.User.Name)
	if o.User != nil {
		add("user.name", "User Name", 4, o.User.Name)
	}
	for _, r := range o.Resources {
		add("resources[].uid", "Resource UID", 10, r.UID)
	}
}

// mapped are the members of a record that the OCSF form has elsewhere.
var mapped = func() map[string]bool {
	all := map[string]bool{}
	for name := range strings.FieldsSeq(`eventVersion eventTime eventSource eventName eventType eventCategory eventID apiVersion awsRegion
		sourceIPAddress userAgent errorCode errorMessage requestParameters responseElements requestID sharedEventID vpcEndpointId recipientAccountId
		userIdentity.type userIdentity.principalId userIdentity.arn userIdentity.accountId userIdentity.accessKeyId userIdentity.userName
		userIdentity.identityProvider userIdentity.invokedBy userIdentity.sessionContext.sessionIssuer.arn
		userIdentity.sessionContext.webIdFederationData.federatedProvider userIdentity.sessionContext.attributes.creationDate
		userIdentity.sessionContext.attributes.mfaAuthenticated additionalEventData.MFAUsed additionalEventData.LoginTo`) {
		all[name] = true
	}
	return all
}()

// unmapped are the other members of a record, by their paths.
func unmapped(text []byte, hasResources bool) map[string]string {
	all := map[string]string{}
	flatten(all, "", bytes.TrimSpace(text), hasResources)
	return all
}

func flatten(all map[string]string, path string, text json.RawMessage, hasResources bool) {
	if mapped[path] || hasResources && path == "resources" || string(text) == "null" {
		return
	}
	var members map[string]json.RawMessage
	if text[0] == '{' && json.Unmarshal(text, &members) == nil {
		for name, member := range members {
			if path != "" {
				name = path + "." + name
			}
			flatten(all, name, member, hasResources)
		}
		return
	}
	var s string
	if json.Unmarshal(text, &s) != nil {
		s = string(text)
	}
	all[path] = s
}
