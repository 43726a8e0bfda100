package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/warder-iam/warder/internal/audit/outbox"
)

// chainID names a chain of digests: each region of a trail has its own.
type chainID struct{ trail, region string }

// chain is what the next digest is made of. Values are copied before they are
// changed: only a cut that is in the outbox counts.
type chain struct {
	Start    time.Time
	Previous *previous `json:",omitempty"` // nil: the next one is the chain's first
	Files    []logFile `json:",omitempty"` // that were cut since
}

// previous is what a digest says of the one before it.
type previous struct{ Bucket, Object, Hash, Signature string }

// due is the end of the digest that is to be made now; zero if it is none's time.
// One that was not made when it was to be, since the server was away, reaches up to
// now: nothing was delivered in between.
func (c *chain) due(now time.Time, every time.Duration) time.Time {
	if end := now.UTC().Truncate(every); end.After(c.Start) {
		return end
	}
	return time.Time{}
}

// same says whether nothing has been added to an older form of the chain.
func (c *chain) same(old *chain) bool {
	return c.Start.Equal(old.Start) && len(c.Files) == len(old.Files)
}

// digest is a digest file
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html).
type digest struct {
	Account     string `json:"awsAccountId"`
	Start       stamp  `json:"digestStartTime"`
	End         stamp  `json:"digestEndTime"`
	Bucket      string `json:"digestS3Bucket"`
	Object      string `json:"digestS3Object"`
	Fingerprint string `json:"digestPublicKeyFingerprint"`
	Algorithm   string `json:"digestSignatureAlgorithm"`
	Newest      stamp  `json:"newestEventTime"`
	Oldest      stamp  `json:"oldestEventTime"`

	// The previous digest's; null in the first one of a chain.
	PreviousBucket        *string `json:"previousDigestS3Bucket"`
	PreviousObject        *string `json:"previousDigestS3Object"`
	PreviousHash          *string `json:"previousDigestHashValue"`
	PreviousHashAlgorithm *string `json:"previousDigestHashAlgorithm"`
	PreviousSignature     *string `json:"previousDigestSignature"`

	LogFiles []logFile `json:"logFiles"`

	// Head is Warder's own member: the end of the node's log of reads and refusals,
	// which `warder trail verify --head` takes.
	Head string `json:"warderTrailHead,omitempty"`
}

const signatureAlgorithm = "SHA256withRSA"

// digestDue says whether there is a digest to be made.
func (d *Delivery) digestDue(now time.Time) bool {
	for _, t := range d.trails {
		if _, known := d.chains[chainID{t.ID, t.home()}]; t.validates() && !known {
			return true // the chain is to begin
		}
	}
	for _, c := range d.chains {
		if !c.due(now, d.DigestEvery).IsZero() {
			return true
		}
	}
	return false
}

// makeDigest makes the digest that ends a part of a chain, and begins the next one.
func (d *Delivery) makeDigest(ctx context.Context, p *period, region string, c *chain, end, now time.Time, z *packer) (*parcel, []byte, error) {
	key, err := d.keys.at(ctx, end, now)
	if err != nil {
		return nil, nil, err
	}
	t := p.Trail
	f := digest{
		Account: t.Account, Start: stamp{c.Start}, End: stamp{end}, Bucket: t.Bucket,
		Object: fmt.Sprintf("%s%s_CloudTrail-Digest_%s_%s_%s_%s.json.gz", folderOf(p, "CloudTrail-Digest", region, end),
			t.Account, region, t.Name, t.Region, end.UTC().Format("20060102T150405Z")),
		Fingerprint: key.Fingerprint, Algorithm: signatureAlgorithm, LogFiles: append([]logFile{}, c.Files...),
	}
	for _, l := range c.Files {
		if f.Oldest.IsZero() || l.Oldest.Before(f.Oldest.Time) {
			f.Oldest = l.Oldest
		}
		if l.Newest.After(f.Newest.Time) {
			f.Newest = l.Newest
		}
	}
	before := "null"
	if o := c.Previous; o != nil {
		algorithm := sha256Name
		f.PreviousBucket, f.PreviousObject, f.PreviousHash, f.PreviousHashAlgorithm, f.PreviousSignature = &o.Bucket, &o.Object, &o.Hash, &algorithm, &o.Signature
		before = o.Signature
	}
	if d.Head != nil {
		head := d.Head()
		f.Head = fmt.Sprintf("%d:%s", head.Position, head.Hash)
	}
	text := encode(f)
	body, sum := z.pack(func(w io.Writer) { w.Write(text) })
	// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-custom-validation.html
	signature, err := d.keys.sign(key, strings.Join([]string{f.End.String(), f.Bucket + "/" + f.Object, sum, before}, "\n"))
	if err != nil {
		return nil, nil, err
	}
	*c = chain{Start: end, Previous: &previous{f.Bucket, f.Object, sum, signature}}
	return &parcel{
		Trail: t.ID, Bucket: f.Bucket, Object: f.Object, Digest: true,
		Metadata: map[string]string{"signature": signature, "signature-algorithm": signatureAlgorithm},
	}, body, nil
}

const chainValue = consumer + "/chain/"

func (id chainID) value() string { return chainValue + id.trail + "/" + id.region }

func loadChains(ctx context.Context, o *outbox.Outbox) (map[chainID]chain, error) {
	all := map[chainID]chain{}
	err := load(ctx, o, chainValue, func(name string, text []byte) error {
		id, region, _ := strings.Cut(name, "/")
		var c chain
		err := json.Unmarshal(text, &c)
		all[chainID{id, region}] = c
		return err
	})
	return all, err
}
