package trail

import (
	"encoding/json"
	"testing"
	"time"
)

// The attributes are what json.Marshal makes of the entry.
func TestAttributes(t *testing.T) {
	for _, e := range []Entry{
		{},
		{ID: "i", Name: "n", Source: "s", Username: "u", AccessKeyID: "k", Account: "111122223333", Time: time.Date(2026, 2, 3, 4, 5, 6, 789000000, time.UTC), ReadOnly: true},
		{Username: "a\"b\\c\td\ne\x00\x7f\u2028é<>&\xff", Time: time.Date(2026, 2, 3, 4, 5, 6, 7, time.FixedZone("", 3600))},
		{Resources: []Resource{{"AWS::IAM::User", "alice"}, {"", "x\"y"}, {"t", ""}, {}}},
		{Resources: []Resource{{}}},
	} {
		want, err := json.Marshal(&e)
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.appendAttributes(nil)
		if err != nil || string(got) != string(want) {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
	}
	if _, err := (&Entry{Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}).appendAttributes(nil); err == nil {
		t.Error("a year of five digits")
	}
}
