package topic

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/store/memory"
)

const arn = "arn:aws:sns:us-east-1:123456789012:alerts"

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestRetries(t *testing.T) {
	for _, tc := range []struct {
		r    Retries
		want string
	}{
		{httpRetries, "20s 20s 20s"},
		{Retries{MinDelay: 1, MaxDelay: 9, Count: 7, Immediate: 1, AtMin: 1, AtMax: 2, Backoff: "linear"}, "0s 1s 1s 5s 9s 9s 9s"},
		{Retries{MinDelay: 1, MaxDelay: 9, Count: 3, Backoff: "exponential"}, "1s 3s 9s"},
		{Retries{MinDelay: 1, MaxDelay: 9, Count: 3, Backoff: "geometric"}, "1s 3s 9s"},
		{Retries{MinDelay: 1, MaxDelay: 9, Count: 3, Backoff: "arithmetic"}, "1s 4s 9s"},
		{Retries{MinDelay: 2, MaxDelay: 9, Count: 1, Backoff: "linear"}, "2s"},
		{Retries{MinDelay: 1, MaxDelay: 1, Backoff: "linear"}, ""},
	} {
		var got []string
		for failed := 1; ; failed++ {
			after, again := tc.r.After(failed)
			if !again {
				break
			}
			got = append(got, after.Round(time.Millisecond).String())
		}
		if text := strings.Join(got, " "); text != tc.want {
			t.Errorf("%+v: %s, want %s", tc.r, text, tc.want)
		}
		if err := tc.r.check(); err != nil {
			t.Errorf("%+v: %v", tc.r, err)
		}
	}
	total, n := time.Duration(0), 0
	for ; ; n++ {
		after, again := mailRetries.After(n + 1)
		if !again {
			break
		}
		total += after
	}
	if n != 50 || total.Round(time.Hour) != 7*time.Hour && total.Round(time.Hour) != 6*time.Hour {
		t.Errorf("mail is tried again %d times in %v", n, total)
	}
}

// A new key signs when the old one has for long enough; the old one's certificate is
// found until nobody needs it.
func TestKeys(t *testing.T) {
	st, err := state.Open(t.Context(), memory.New())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	k := NewKeys("https://iam.example.com", seal.NewRandom())
	rotate := func(at time.Time, keys int) *state.MessageKey {
		t.Helper()
		if err := k.Rotate(t.Context(), st, at); err != nil {
			t.Fatal(err)
		}
		if n := len(collect(st)); n != keys {
			t.Errorf("after %v there are %d keys, want %d", at.Sub(now), n, keys)
		}
		return st.Snapshot().MessageKey()
	}
	get := func(path, method string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		k.Handler(st.Snapshot).ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w
	}
	if rotate(now, 0) != nil {
		t.Error("there is a key before anybody needs one")
	}
	if err := k.sign(st.Snapshot(), new(document)); err == nil {
		t.Error("signed without a key")
	}
	first, err := k.New(0, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Update(t.Context(), now, func(tx *state.Tx) error { tx.MessageKeys.Put(first); return nil }); err != nil {
		t.Fatal(err)
	}
	d := &document{version: "2", kind: Notification}
	if err := k.sign(st.Snapshot(), d); err != nil {
		t.Fatal(err)
	}
	path := strings.TrimPrefix(d.certificate, "https://iam.example.com")
	rotate(now.Add(keyLife), 1)
	second := rotate(now.Add(keyLife+time.Second), 2)
	if second.Number != 1 || second.ID == first.ID {
		t.Errorf("the second key is %d %s", second.Number, second.ID)
	}
	rotate(now.Add(keyLife+time.Second), 2)
	if w := get(path, http.MethodGet); w.Code != http.StatusOK || !strings.HasPrefix(w.Body.String(), "-----BEGIN CERTIFICATE-----") {
		t.Errorf("the old certificate: %d", w.Code)
	}
	rotate(now.Add(keyLife+keepFor+2*time.Second), 1)
	for _, at := range []string{path, Path, Path + "x", "/", Path + filePrefix + second.ID, Path + filePrefix + fileSuffix} {
		if w := get(at, http.MethodGet); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", at, w.Code)
		}
	}
	if w := get(Path+filePrefix+second.ID+fileSuffix, http.MethodPost); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
	// A key that was moved to another place does not open.
	moved := *second
	moved.Number = 7
	if err := st.Update(t.Context(), now, func(tx *state.Tx) error {
		tx.MessageKeys.Put(&state.MessageKey{Number: 9, ID: "moved", Private: moved.Private})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := k.sign(st.Snapshot(), d); err == nil {
		t.Error("signed by a key that was moved")
	}
}

func collect(st *state.State) (keys []*state.MessageKey) {
	for k := range st.Snapshot().MessageKeys.All() {
		keys = append(keys, k)
	}
	return keys
}

// FuzzToken: nobody confirms by a token that was not made for the subscription.
func FuzzToken(f *testing.F) {
	st, err := state.Open(f.Context(), memory.New())
	if err != nil {
		f.Fatal(err)
	}
	defer st.Close()
	ring := seal.NewRandom()
	sub := &state.Subscription{ARN: arn + ":00000000-0000-4000-8000-000000000000", Topic: arn, Owner: "123456789012", Protocol: HTTP, Endpoint: "http://example.com"}
	if err := st.Update(f.Context(), now, func(tx *state.Tx) error { tx.Subscriptions.Put(sub); return nil }); err != nil {
		f.Fatal(err)
	}
	good := Token(ring, sub.ARN, now)
	f.Add(good)
	f.Add(good[:80])
	f.Add(Token(seal.NewRandom(), sub.ARN, now))
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		got := Confirmed(ring, st.Snapshot(), arn, token, now)
		if (got != nil) != strings.EqualFold(token, good) {
			t.Errorf("%q confirms %v", token, got)
		}
	})
}

// FuzzFilter: a policy that is taken can be matched against any message.
func FuzzFilter(f *testing.F) {
	for _, policy := range []string{
		`{"a":["b"]}`, `{"a":[{"prefix":"b"},{"numeric":[">",1,"<=",2]}]}`, `{"$or":[{"a":["b"]},{"c":[1]}]}`, `{"a":{"b":[{"exists":false}]}}`, `{"a":[{"anything-but":{"wildcard":"x*"}}]}`, `{}`, `{"a":1}`,
	} {
		f.Add(policy, `{"a":"b"}`, true)
		f.Add(policy, "b", false)
	}
	f.Fuzz(func(t *testing.T, policy, text string, body bool) {
		sub := &state.Subscription{FilterPolicy: policy, Protocol: HTTP}
		if body {
			sub.FilterScope = ScopeBody
		}
		if CheckFilter(policy, sub.Scope()) != nil {
			return
		}
		passes(sub, &Message{Text: text, Attributes: map[string]Attribute{"a": {"String", text}, "b": {"Number", text}, "c": {"String.Array", text}}})
	})
}

// FuzzDeliveryPolicy: a policy that is taken has an effective form, with which it is
// taken again.
func FuzzDeliveryPolicy(f *testing.F) {
	f.Add(`{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":5,"numRetries":4}}}`, `{"healthyRetryPolicy":{"numRetries":2,"numNoDelayRetries":2}}`)
	f.Add(``, `{"requestPolicy":{"headerContentType":"application/json"}}`)
	f.Fuzz(func(t *testing.T, ofTopic, text string) {
		first, err := EffectiveTopicPolicy(ofTopic)
		if err != nil {
			return
		}
		if again, err := EffectiveTopicPolicy(first); err != nil || again != first {
			t.Errorf("%s reads %s, %v", first, again, err)
		}
		second, err := EffectiveSubscriptionPolicy(text, ofTopic)
		if err != nil {
			return
		}
		if again, err := EffectiveSubscriptionPolicy(second, ofTopic); err != nil || again != second {
			t.Errorf("%s reads %s, %v", second, again, err)
		}
	})
}
