package e2e

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/warder-iam/warder/internal/wardertest"
)

// sharedPolicy is a managed policy that all writers attach.
const sharedPolicy = "arn:aws:iam::" + account + ":policy/shared"

// TestKill kills the server with SIGKILL while many clients write, starts it
// again on the same folder, and checks that it holds exactly what was
// acknowledged: each client knows what its own part of the state must be. The
// one change that each had under way may be there or not, but not in part.
func TestKill(t *testing.T) {
	t.Parallel()
	kills := 20
	if text := os.Getenv("WARDER_KILLS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("WARDER_KILLS=%q is no number", text)
		}
		kills = n
	}
	data := dataFolder(t)
	flags := append([]string{"--data", data}, administrator...)
	writers := make([]*writer, 32)
	for i := range writers {
		writers[i] = newWriter(i)
	}
	s := serve(t, flags...)
	if _, err := s.iam(adminKey).CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: ptr("shared"), PolicyDocument: ptr(allow("s3:*", "*"))}); err != nil {
		t.Fatal(err)
	}
	var slowest time.Duration
	for n := range kills {
		ctx, stop := context.WithCancel(t.Context())
		var working sync.WaitGroup
		for _, w := range writers {
			working.Go(func() { w.work(ctx, s.iam(adminKey)) })
		}
		time.Sleep(time.Duration(20+rand.IntN(300)) * time.Millisecond)
		s.kill()
		stop()
		working.Wait()
		if n%4 == 3 { // and while it starts, before it can say so
			half := spawn(t, flags...)
			time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
			half.kill()
		}
		began := time.Now()
		s = serve(t, flags...)
		slowest = max(slowest, time.Since(began))
		holds := s.holdings()
		for _, w := range writers {
			w.check(t, s, holds)
		}
		if t.Failed() {
			t.Fatalf("after kill %d", n+1)
		}
	}
	acknowledged := 0
	for _, w := range writers {
		acknowledged += w.acknowledged
	}
	if acknowledged < 10*kills {
		t.Errorf("only %d writes were acknowledged: the test shows nothing", acknowledged)
	}
	t.Logf("%d kills, %d acknowledged writes, none lost; slowest start %v", kills, acknowledged, slowest)
}

// The first start is killed too: what it leaves is nothing, or an account that
// a later start finds, with its administrator.
func TestKillFirstStart(t *testing.T) {
	t.Parallel()
	for range 10 {
		data := dataFolder(t)
		for range 3 {
			s := spawn(t, "--data", data)
			time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond)
			s.kill()
		}
		s := serve(t, "--data", data)
		admin := envOf(t, "sh", "--data", data)
		out, err := s.iam(admin).ListUsers(t.Context(), nil)
		if err != nil || len(out.Users) != 1 {
			t.Errorf("after killed first starts: %v, %v", out, err)
		}
		s.stop()
	}
}

// user is what a writer knows of one of its users.
type user struct {
	Tags     map[string]string
	Inline   map[string]string
	Attached []string
	Groups   []string
	Keys     map[string]wardertest.Credentials
}

func (u *user) clone() *user {
	return &user{maps.Clone(u.Tags), maps.Clone(u.Inline), slices.Clone(u.Attached), slices.Clone(u.Groups), maps.Clone(u.Keys)}
}

// writer is a client with its own part of the state: the users under its path.
type writer struct {
	path  string
	n     int              // of changes begun
	users map[string]*user // as acknowledged
	after map[string]*user // if the change under way lands too; nil without one

	newKey       string // the user that the change under way makes a key for
	acknowledged int
	unexpected   error
}

func newWriter(i int) *writer {
	return &writer{path: fmt.Sprintf("/w%d/", i), users: map[string]*user{}}
}

func (w *writer) name(n int) string { return fmt.Sprintf("w%s-%d", w.path[2:len(w.path)-1], n) }

// work makes one change after another until the server is gone.
func (w *writer) work(ctx context.Context, client *iam.Client) {
	for ctx.Err() == nil {
		if !w.step(ctx, client) {
			return
		}
	}
}

// step makes a change. It says false when the change was not acknowledged.
func (w *writer) step(ctx context.Context, client *iam.Client) bool {
	w.n++
	after := make(map[string]*user, len(w.users)+1)
	for name, u := range w.users {
		after[name] = u.clone()
	}
	names := slices.Sorted(maps.Keys(after))
	var call func() error
	var made *types.AccessKey
	w.newKey = ""
	if len(names) < 2 {
		call = w.create(ctx, client, after)
	} else {
		name := names[rand.IntN(len(names))]
		u := after[name]
		policy := "p" + strconv.Itoa(w.n)
		text := allow("s3:GetObject", "arn:aws:s3:::bucket/"+w.name(w.n))
		switch kind := rand.IntN(8); {
		case kind == 0 && len(names) < 5:
			call = w.create(ctx, client, after)
		case kind == 1 && len(u.Keys) < 2:
			w.newKey = name
			call = func() error {
				out, err := client.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name})
				if err == nil {
					made = out.AccessKey
				}
				return err
			}
		case kind == 2 && len(u.Inline) < 5:
			u.Inline[policy] = text
			call = func() error {
				_, err := client.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &name, PolicyName: &policy, PolicyDocument: &text})
				return err
			}
		case kind == 3 && len(u.Attached) == 0:
			u.Attached = []string{sharedPolicy}
			call = func() error {
				_, err := client.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: &name, PolicyArn: &u.Attached[0]})
				return err
			}
		case kind == 4:
			// One write that changes several things of a user at once.
			u.Tags["a"], u.Tags["b"], u.Tags["c"] = policy, policy, policy
			call = func() error {
				_, err := client.TagUser(ctx, &iam.TagUserInput{UserName: &name, Tags: tags(u.Tags)})
				return err
			}
		case kind == 5:
			// A rename touches the user and all that is found by its name.
			other := w.name(w.n)
			after[other] = u
			delete(after, name)
			call = func() error {
				_, err := client.UpdateUser(ctx, &iam.UpdateUserInput{UserName: &name, NewUserName: &other})
				return err
			}
		case kind == 6 && len(u.Inline) > 0:
			gone := slices.Min(slices.Collect(maps.Keys(u.Inline)))
			delete(u.Inline, gone)
			call = func() error {
				_, err := client.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: &name, PolicyName: &gone})
				return err
			}
		case kind == 7 && len(u.Inline) == 0 && len(u.Attached) == 0 && len(u.Keys) == 0:
			delete(after, name)
			call = func() error {
				_, err := client.DeleteUser(ctx, &iam.DeleteUserInput{UserName: &name})
				return err
			}
		case kind == 7 && len(u.Keys) > 0:
			gone := slices.Min(slices.Collect(maps.Keys(u.Keys)))
			delete(u.Keys, gone)
			call = func() error {
				_, err := client.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: &name, AccessKeyId: &gone})
				return err
			}
		default:
			return true
		}
	}
	w.after = after
	if err := call(); err != nil {
		// A server that is gone does not answer; an answer that refuses is a bug
		// of the server's or of this test's.
		if wardertest.Message(err) != "" {
			w.unexpected = err
		}
		return false
	}
	if made != nil {
		after[w.newKey].Keys[*made.AccessKeyId] = wardertest.KeyCredentials(made)
	}
	w.users, w.after, w.newKey = after, nil, ""
	w.acknowledged++
	return true
}

func (w *writer) create(ctx context.Context, client *iam.Client, after map[string]*user) func() error {
	name := w.name(w.n)
	u := &user{Tags: map[string]string{"a": name, "b": name, "c": name}, Inline: map[string]string{}, Keys: map[string]wardertest.Credentials{}}
	after[name] = u
	return func() error {
		_, err := client.CreateUser(ctx, &iam.CreateUserInput{UserName: &name, Path: &w.path, Tags: tags(u.Tags)})
		return err
	}
}

func tags(m map[string]string) []types.Tag {
	var list []types.Tag
	for _, k := range slices.Sorted(maps.Keys(m)) {
		list = append(list, types.Tag{Key: ptr(k), Value: ptr(m[k])})
	}
	return list
}

// holdings are all users the server has, by path and name.
func (s *server) holdings() map[string]map[string]*user {
	s.t.Helper()
	all := map[string]map[string]*user{}
	pages := iam.NewGetAccountAuthorizationDetailsPaginator(s.iam(adminKey), &iam.GetAccountAuthorizationDetailsInput{
		Filter: []types.EntityType{types.EntityTypeUser}, MaxItems: ptr[int32](1000),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		for _, d := range page.UserDetailList {
			u := &user{Tags: map[string]string{}, Inline: map[string]string{}, Keys: map[string]wardertest.Credentials{}, Groups: d.GroupList}
			for _, tag := range d.Tags {
				u.Tags[*tag.Key] = *tag.Value
			}
			for _, p := range d.UserPolicyList {
				text, err := url.QueryUnescape(*p.PolicyDocument)
				if err != nil {
					s.t.Fatal(err)
				}
				u.Inline[*p.PolicyName] = text
			}
			for _, p := range d.AttachedManagedPolicies {
				u.Attached = append(u.Attached, *p.PolicyArn)
			}
			if all[*d.Path] == nil {
				all[*d.Path] = map[string]*user{}
			}
			all[*d.Path][*d.UserName] = u
		}
	}
	return all
}

// check compares the writer's part of the state with what it knows, and takes
// over what the change under way came to.
func (w *writer) check(t testing.TB, s *server, holds map[string]map[string]*user) {
	t.Helper()
	if w.unexpected != nil {
		t.Errorf("writer %s was refused: %v", w.path, w.unexpected)
	}
	got := holds[w.path]
	if got == nil {
		got = map[string]*user{}
	}
	// The keys are not in the details: they are listed, and used.
	for name, u := range got {
		out, err := s.iam(adminKey).ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{UserName: &name})
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range out.AccessKeyMetadata {
			u.Keys[*k.AccessKeyId] = wardertest.Credentials{}
		}
	}
	switch {
	case same(got, w.users, w.newKey):
	case w.after != nil && same(got, w.after, w.newKey):
		w.users = w.after
	default:
		t.Errorf("writer %s: the server has\n%s\nacknowledged were\n%s\nand under way was\n%s", w.path, show(got), show(w.users), show(w.after))
		return
	}
	for name, u := range w.users {
		for id, key := range u.Keys {
			if rand.IntN(4) == 0 {
				s.wantCaller(key, "arn:aws:iam::"+account+":user"+w.path+name)
			}
			delete(got[name].Keys, id)
		}
		// A key that was made but not acknowledged is nobody's: its secret is lost.
		for id := range got[name].Keys {
			if _, err := s.iam(adminKey).DeleteAccessKey(t.Context(), &iam.DeleteAccessKeyInput{UserName: &name, AccessKeyId: &id}); err != nil {
				t.Error(err)
			}
		}
	}
	w.after, w.newKey = nil, ""
}

// same says whether the server has exactly these users; the user that a key was
// being made for may have one more.
func same(got, want map[string]*user, newKey string) bool {
	return maps.EqualFunc(got, want, func(g, w *user) bool {
		extra := 0
		for id := range g.Keys {
			if _, known := w.Keys[id]; !known {
				extra++
			}
		}
		keys := len(g.Keys) == len(w.Keys)+extra && (extra == 0 || extra == 1 && newKey != "" && want[newKey] == w)
		return keys && maps.Equal(g.Tags, w.Tags) && maps.Equal(g.Inline, w.Inline) && slices.Equal(g.Attached, w.Attached) && len(g.Groups) == 0
	})
}

func show(users map[string]*user) string {
	text := ""
	for _, name := range slices.Sorted(maps.Keys(users)) {
		u := users[name]
		text += fmt.Sprintf("  %s: tags %v, inline %v, attached %v, keys %v\n", name, u.Tags, u.Inline, u.Attached, slices.Sorted(maps.Keys(u.Keys)))
	}
	return text
}
