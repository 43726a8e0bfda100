package transfer

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/warder-iam/warder/arn"
	api "github.com/warder-iam/warder/internal/api/iam"
	"github.com/warder-iam/warder/internal/awspolicies"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/policy"
)

// Summary says what an import made, and what it could not take over.
type Summary struct {
	Account          string   `json:"account"`
	Users            int      `json:"users"`
	Groups           int      `json:"groups"`
	Roles            int      `json:"roles"`
	Policies         int      `json:"policies"`
	InstanceProfiles int      `json:"instanceProfiles"`
	Providers        int      `json:"providers"`
	Notes            []string `json:"notes,omitempty"`
}

func (s *Summary) note(format string, args ...any) {
	s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
}

// Apply builds the account in a transaction. There must be none of its id.
func (a *Account) Apply(tx *state.Tx) (*Summary, error) {
	if tx.Accounts.Get(a.ID) != nil {
		return nil, fmt.Errorf("there is an account %s already", a.ID)
	}
	if a.alias != "" && tx.AccountByAlias(a.alias) != nil {
		return nil, fmt.Errorf("the alias %s is another account's", a.alias)
	}
	sum := &Summary{Account: a.ID}
	name := a.alias
	if name == "" {
		name = "imported"
	}
	tx.Accounts.Put(&state.Account{
		ID: a.ID, Name: name, Alias: a.alias, Created: tx.Now.UTC().Truncate(time.Second), PasswordPolicy: passwordPolicy(a.passwords),
	})
	former := formerPrincipals(tx) // of others: none of this account is there yet
	if err := a.putPolicies(tx, sum); err != nil {
		return nil, err
	}
	groups, err := a.putGroups(tx, sum)
	if err != nil {
		return nil, err
	}
	if err := a.putUsers(tx, sum, groups, former); err != nil {
		return nil, err
	}
	if err := a.putRoles(tx, sum, former); err != nil {
		return nil, err
	}
	if err := a.putProfiles(tx, sum); err != nil {
		return nil, err
	}
	if err := a.putProviders(tx, sum); err != nil {
		return nil, err
	}
	resolveTrust(tx, sum)
	return sum, nil
}

// taken refuses a unique id that the server has, for whatever: the account was
// imported under another number before, or the listing was edited. A principal
// in a policy may be a user or a role, so no user may come with a role's id.
func taken(tx *state.Tx, id *string) error {
	is := deref(id)
	if tx.Users.Get(is) == nil && tx.Groups.Get(is) == nil && tx.Roles.Get(is) == nil && tx.Policies.Get(is) == nil && tx.InstanceProfiles.Get(is) == nil {
		return nil
	}
	return fmt.Errorf("the unique id %s is there already, in another account", is)
}

// notFormer refuses a principal that comes with the unique id of another
// account's principal, whom a role trusts and who is gone: ids are never used
// again, and this one would get that trust.
func (a *Account) notFormer(former map[string]string, id *string) error {
	if of, ok := former[deref(id)]; ok && of != a.ID {
		return fmt.Errorf("the unique id %s is somebody else's, whom a role trusts that is there", deref(id))
	}
	return nil
}

// formerPrincipals are the unique ids in trust policies that nobody has, and
// the account that each was of; "" if only the id is known.
func formerPrincipals(tx *state.Tx) map[string]string {
	former := make(map[string]string)
	for r := range tx.Roles.All() {
		doc, err := policy.ParseText(policy.Trust, r.Trust.Text)
		if err != nil {
			continue // whatever it is, it decides for nobody
		}
		for _, p := range state.TrustedPrincipals(doc) {
			id, of := p, ""
			if named, err := arn.Parse(p); err == nil {
				id, of = r.Trust.Principals[p], named.Account
			}
			if idForm.MatchString(id) && tx.Users.Get(id) == nil && tx.Roles.Get(id) == nil {
				former[id] = of
			}
		}
	}
	return former
}

func (a *Account) entity(id, name, path *string, created *time.Time, tags []api.Tag) state.Entity {
	e := state.Entity{Account: a.ID, ID: deref(id), Name: deref(name), Path: deref(path), Created: second(created)}
	for _, t := range tags {
		e.Tags = append(e.Tags, state.Tag{Key: deref(t.Key), Value: deref(t.Value)})
	}
	return e
}

func second(t *time.Time) time.Time { return deref(t).UTC().Truncate(time.Second) }

func grants(inline []api.PolicyDetail, attached []api.AttachedPolicy) (g state.Grants) {
	for _, p := range inline {
		g.PutInline(state.InlinePolicy{Name: deref(p.PolicyName), Document: &state.Document{Text: deref(p.PolicyDocument)}})
	}
	for _, p := range attached {
		g.Attach(deref(p.PolicyArn))
	}
	return g
}

func boundary(b *api.AttachedPermissionsBoundary) string {
	if b == nil {
		return ""
	}
	return deref(b.PermissionsBoundaryArn)
}

// putPolicies puts the customer's policies, and those of AWS's that are newer
// than this Warder: they are documents like others, and without them their
// principals could not be decided. Such a policy is every account's, so a later
// listing may not say that it is something else.
func (a *Account) putPolicies(tx *state.Tx, sum *Summary) error {
	for _, d := range a.details.Policies {
		p := &state.ManagedPolicy{Entity: a.entity(d.PolicyId, d.PolicyName, d.Path, d.CreateDate, nil), Description: deref(d.Description)}
		if strings.HasPrefix(deref(d.Arn), "arn:aws:iam::"+awspolicies.Account+":") {
			if have := awspolicies.Find(*d.Arn); have != nil {
				if have.Default != deref(d.DefaultVersionId) {
					sum.note("%s: the account has version %s; here, and in what is decided here, it is %s", *d.Arn, deref(d.DefaultVersionId), have.Default)
				}
				continue
			}
			if have := tx.PolicyByARN(*d.Arn); have != nil {
				if !sameJSON(have.DefaultVersion().Text(), defaultText(&d)) {
					return fmt.Errorf("%s is there already, and says something else", *d.Arn)
				}
				continue
			}
			p.Account = awspolicies.Account
			sum.note("%s is not one of the AWS managed policies of this Warder: it is taken from the listing", *d.Arn)
		}
		if err := taken(tx, d.PolicyId); err != nil {
			return err
		}
		versions := slices.Clone(d.PolicyVersionList)
		slices.SortFunc(versions, func(x, y api.PolicyVersion) int {
			m, _ := versionNumber(deref(x.VersionId))
			n, _ := versionNumber(deref(y.VersionId))
			return m - n
		})
		for _, v := range versions {
			p.Versions = append(p.Versions, state.PolicyVersion{ID: deref(v.VersionId), Created: second(v.CreateDate), Document: &state.Document{Text: deref(v.Document)}})
			p.LastVersion, _ = versionNumber(deref(v.VersionId))
		}
		p.Default, p.Updated = deref(d.DefaultVersionId), p.Versions[len(p.Versions)-1].Created
		if d.UpdateDate != nil {
			p.Updated = second(d.UpdateDate)
		}
		tx.Policies.Put(p)
		sum.Policies++
	}
	return nil
}

// defaultText is the document of the version in force, which check has found.
func defaultText(d *api.ManagedPolicyDetail) string {
	for _, v := range d.PolicyVersionList {
		if deref(v.VersionId) == deref(d.DefaultVersionId) {
			return deref(v.Document)
		}
	}
	return ""
}

// sameJSON says whether two documents differ in white space at most.
func sameJSON(a, b string) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, []byte(a)) == nil && json.Compact(&y, []byte(b)) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}

// versionNumber reads "v12".
func versionNumber(id string) (int, bool) {
	digits, ok := strings.CutPrefix(id, "v")
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil && n > 0 && strconv.Itoa(n) == digits
}

// putGroups gives the groups' unique ids by their names.
func (a *Account) putGroups(tx *state.Tx, sum *Summary) (map[string]string, error) {
	groups := map[string]string{}
	for _, d := range a.details.GroupDetailList {
		if err := taken(tx, d.GroupId); err != nil {
			return nil, err
		}
		tx.Groups.Put(&state.Group{
			Entity: a.entity(d.GroupId, d.GroupName, d.Path, d.CreateDate, nil),
			Grants: grants(d.GroupPolicyList, d.AttachedManagedPolicies),
		})
		groups[deref(d.GroupName)] = deref(d.GroupId)
		sum.Groups++
	}
	return groups, nil
}

func (a *Account) putUsers(tx *state.Tx, sum *Summary, groups, former map[string]string) error {
	for _, d := range a.details.UserDetailList {
		if err := cmp.Or(taken(tx, d.UserId), a.notFormer(former, d.UserId)); err != nil {
			return err
		}
		u := &state.User{
			Entity:   a.entity(d.UserId, d.UserName, d.Path, d.CreateDate, d.Tags),
			Grants:   grants(d.UserPolicyList, d.AttachedManagedPolicies),
			Boundary: boundary(d.PermissionsBoundary),
		}
		for _, g := range d.GroupList {
			u.Groups = append(u.Groups, groups[g])
		}
		tx.Users.Put(u)
		sum.Users++
	}
	return nil
}

const (
	defaultSession = 3600
	maxSession     = 43200
)

func (a *Account) putRoles(tx *state.Tx, sum *Summary, former map[string]string) error {
	for _, d := range a.details.RoleDetailList {
		if err := cmp.Or(taken(tx, d.RoleId), a.notFormer(former, d.RoleId)); err != nil {
			return err
		}
		r := &state.Role{
			Entity:   a.entity(d.RoleId, d.RoleName, d.Path, d.CreateDate, d.Tags),
			Grants:   grants(d.RolePolicyList, d.AttachedManagedPolicies),
			Boundary: boundary(d.PermissionsBoundary),
			Trust:    &state.Document{Text: deref(d.AssumeRolePolicyDocument)}, MaxSessionDuration: defaultSession,
		}
		if listed, ok := a.roles[deref(d.Arn)]; ok {
			r.Description = listed.Description
			if n := deref(listed.MaxSessionDuration); n >= defaultSession && n <= maxSession {
				r.MaxSessionDuration = int(n)
			}
		}
		tx.Roles.Put(r)
		if used := d.RoleLastUsed; used != nil && used.LastUsedDate != nil {
			tx.LastUses.Put(&state.LastUse{ID: r.ID, Date: second(used.LastUsedDate), Region: deref(used.Region)})
		}
		sum.Roles++
	}
	if sum.Roles > 0 && len(a.roles) == 0 {
		sum.note("without the output of list-roles, roles have no descriptions and sessions of one hour at most")
	}
	return nil
}

func (a *Account) putProfiles(tx *state.Tx, sum *Summary) error {
	for _, d := range sorted(a.profiles) {
		if err := taken(tx, d.InstanceProfileId); err != nil {
			return err
		}
		p := &state.InstanceProfile{Entity: a.entity(d.InstanceProfileId, d.InstanceProfileName, d.Path, d.CreateDate, d.Tags)}
		for _, r := range d.Roles {
			p.Role = tx.RoleByARN(deref(r.Arn)).ID // check has found it
		}
		tx.InstanceProfiles.Put(p)
		sum.InstanceProfiles++
	}
	return nil
}

func passwordPolicy(p *api.PasswordPolicy) *state.PasswordPolicy {
	if p == nil {
		return nil
	}
	return &state.PasswordPolicy{
		MinimumLength: int(deref(p.MinimumPasswordLength)), RequireSymbols: deref(p.RequireSymbols), RequireNumbers: deref(p.RequireNumbers),
		RequireUppercase: deref(p.RequireUppercaseCharacters), RequireLowercase: deref(p.RequireLowercaseCharacters),
		AllowUsersToChangePassword: deref(p.AllowUsersToChangePassword), MaxAgeDays: int(deref(p.MaxPasswordAge)),
		ReusePrevention: int(deref(p.PasswordReusePrevention)), HardExpiry: p.HardExpiry,
	}
}

// resolveTrust gives the principals in trust policies the unique ids that they
// stand for, once everybody is there: in the roles of this account, and in
// those imported before that name principals of this account.
func resolveTrust(tx *state.Tx, sum *Summary) {
	var changed []*state.Role
	for r := range tx.Roles.All() {
		if r.Account == sum.Account || slices.Contains(principalIDs(r.Trust), state.NotImported) {
			changed = append(changed, r)
		}
	}
	for _, r := range changed {
		doc, err := policy.ParseText(policy.Trust, r.Trust.Text)
		if err != nil {
			continue // whatever it is, it decides for nobody
		}
		ids := make(map[string]string)
		for _, p := range state.TrustedPrincipals(doc) {
			old, resolved := r.Trust.Principals[p]
			id, resolve, ok := tx.PrincipalID(p)
			switch {
			case resolved && old != state.NotImported:
				ids[p] = old
			case ok && resolve && id == state.Nobody:
				ids[p] = state.NotImported
			case ok && resolve:
				ids[p] = id
			case !ok && strings.HasPrefix(p, "arn:"):
				// AWS shows the ARN of whoever is there, so this one is of another time.
				ids[p] = state.Nobody
				if a, err := arn.Parse(p); err == nil && a.Account == sum.Account || r.Account == sum.Account {
					sum.note("%s trusts %s, which is not there: it stands for nobody", r.ARN(), p)
				}
			}
		}
		tx.Roles.Update(r, func(r *state.Role) { r.Trust = &state.Document{Text: r.Trust.Text, Principals: ids} })
	}
}

func principalIDs(d *state.Document) (ids []string) {
	for _, id := range d.Principals {
		ids = append(ids, id)
	}
	return ids
}
