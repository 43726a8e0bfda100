package awspolicies

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/warder-iam/warder/policy"
)

// TestAll reads every version of every policy, so that nothing embedded can
// fail later. What is in force must be readable by the engine: a policy that is
// not denies all that its holders ask for.
func TestAll(t *testing.T) {
	c := Open()
	if n := len(c.Policies()); n != 1594 {
		t.Errorf("%d policies", n)
	}
	names, ids, versions := "", map[string]bool{}, 0
	for _, p := range c.Policies() {
		if low := strings.ToLower(p.Name); low <= names {
			t.Errorf("%s is out of order or not unique", p.Name)
		} else {
			names = low
		}
		if ids[p.ID] || len(p.ID) != 21 || !strings.HasPrefix(p.ID, "ANPA") {
			t.Errorf("%s has id %s", p.Name, p.ID)
		}
		ids[p.ID] = true
		if Find(p.ARN()) != p {
			t.Errorf("%s is not found", p.ARN())
		}
		if p.Created.Year() < 2015 || p.Updated.Before(p.Created) {
			t.Errorf("%s: created %s, updated %s", p.Name, p.Created, p.Updated)
		}
		list, err := p.Versions()
		if err != nil || list[0].ID != p.Default || p.Count < len(list) {
			t.Fatalf("%s: versions %v of %d, default %s: %v", p.Name, list, p.Count, p.Default, err)
		}
		versions += len(list)
		for _, v := range list {
			text, err := p.Document(v.ID)
			if err != nil {
				t.Fatalf("%s %s: %v", p.Name, v.ID, err)
			}
			if v.ID != p.Default { // what was in force once may break today's rules
				continue
			}
			if _, err := policy.Parse(policy.Identity, []byte(text)); err != nil {
				t.Errorf("%s %s: %v", p.Name, v.ID, err)
			}
		}
	}
	if versions != 6194 {
		t.Errorf("%d versions", versions)
	}
}

func TestVersion(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	name, version, _ := strings.Cut(Open().Version(), " ")
	if !strings.Contains(string(readme), "`"+name+"`") || !strings.Contains(string(readme), "version "+version+",") {
		t.Errorf("README.md does not name %s %s", name, version)
	}
}

func TestSize(t *testing.T) {
	if len(embedded) > 2<<20 {
		t.Errorf("the embedded data has %d bytes", len(embedded))
	}
}

func TestPolicy(t *testing.T) {
	p := Find("arn:aws:iam::aws:policy/PowerUserAccess")
	if p == nil || p.Path != "/" || p.ID != "ANPAJYRXTHIB4FOVS3ZXS" || p.Created.Format("2006-01-02T15:04:05Z07:00") != "2015-02-06T18:39:47Z" {
		t.Fatalf("PowerUserAccess = %+v", p)
	}
	list, err := p.Versions()
	if err != nil || list[len(list)-1].ID != "v1" || !list[len(list)-1].Created.Equal(p.Created) {
		t.Errorf("versions %v, %v", list, err)
	}
	// The oldest version is as far from the newest as can be.
	got, err := p.Document("v1")
	const want = `{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "NotAction": "iam:*",
            "Resource": "*"
        }
    ]
}`
	if err != nil || got != want {
		t.Errorf("v1 = %s, %v", got, err)
	}
	for _, version := range []string{"", "v0", "v9999", "1"} {
		if text, err := p.Document(version); err == nil {
			t.Errorf("version %q = %s", version, text)
		}
	}
	if p := Find("arn:aws:iam::aws:policy/aws-service-role/AWSSupportServiceRolePolicy"); p == nil || p.Path != "/aws-service-role/" {
		t.Errorf("AWSSupportServiceRolePolicy = %+v", p)
	}
	for _, arn := range []string{
		"", "PowerUserAccess", "arn:aws:iam::aws:policy/", "arn:aws:iam::aws:policy/poweruseraccess", "arn:aws:iam::aws:policy/x/PowerUserAccess",
		"arn:aws:iam::111122223333:policy/PowerUserAccess", "arn:aws-cn:iam::aws:policy/PowerUserAccess", "arn:aws:iam::aws:policy/AWSSupportServiceRolePolicy",
	} {
		if p := Find(arn); p != nil {
			t.Errorf("Find(%q) = %+v", arn, p)
		}
	}
}

func TestFrom(t *testing.T) {
	all := Open().Policies()
	if !slices.Equal(Open().From(""), all) || len(Open().From("zzz")) != 0 {
		t.Error("From does not list from the start, or goes on past the end")
	}
	for name, want := range map[string]string{
		"ADMINISTRATORACCESS": "AdministratorAccess", "AdministratorAccesr~": "AdministratorAccess", "AdministratorAccess-": "AdministratorAccess-Amplify",
	} {
		if got := Open().From(name)[0].Name; got != want {
			t.Errorf("From(%q) begins with %s", name, got)
		}
	}
}

func TestBadData(t *testing.T) {
	for _, data := range []string{"", "abc", "\xff\xff\xff\xff", "\x02\x00\x00\x00X\n", embedded[:len(embedded)-1], embedded[:1000]} {
		if _, err := Read(data); err == nil {
			t.Errorf("Read(%.20q) took it", data)
		}
	}
	for _, d := range []reader{"\x01", "\x05a", "\x00\x09\x00", "\x00\x02\x09", "\x00\xff", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"} {
		if got, err := apply("newer", d); err == nil {
			t.Errorf("apply(%q) = %q", string(d), got)
		}
	}
}

// FuzzApply holds the reader of differences to its bounds.
func FuzzApply(f *testing.F) {
	f.Add("newer text", "\x02ab\x00\x05\x00\x03\x04")
	f.Add("", "\x00\x00\x00")
	f.Fuzz(func(t *testing.T, newer, difference string) {
		if got, err := apply(newer, reader(difference)); err == nil && len(got) > len(difference)*(len(newer)+1) {
			t.Errorf("%d bytes of %d and %d", len(got), len(newer), len(difference))
		}
	})
}

func BenchmarkFindOther(b *testing.B) {
	for b.Loop() {
		Find("arn:aws:iam::111122223333:policy/PowerUserAccess")
	}
}

func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		if _, err := Read(embedded); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDocument(b *testing.B) {
	for _, name := range []string{"AdministratorAccess", "ReadOnlyAccess"} {
		p := Find(arnPrefix + "/" + name)
		for _, version := range []string{p.Default, "v1"} {
			b.Run(name+"/"+version, func(b *testing.B) {
				for b.Loop() {
					if _, err := p.Document(version); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
