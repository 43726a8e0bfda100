package delivery

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"github.com/warder-iam/warder/internal/audit/selector"
	"github.com/warder-iam/warder/internal/audit/trail"
)

// fileID tells the files apart that are gathered at the same time.
type fileID struct {
	period  *period
	region  string
	insight bool
}

// folder is where CloudTrail has such files: Insights events are apart from the others
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-find-insights-log-files.html).
func (id *fileID) folder() string {
	if id.insight {
		return "CloudTrail-Insight"
	}
	return "CloudTrail"
}

// file is a log file that is being gathered. Its records are those of the feed's
// entries: a trail more costs no memory for them.
type file struct {
	records        [][]byte
	oldest, newest time.Time
}

func (f *file) add(e *trail.Entry) {
	if len(f.records) == 0 || e.Time.Before(f.oldest) {
		f.oldest = e.Time
	}
	if len(f.records) == 0 || e.Time.After(f.newest) {
		f.newest = e.Time
	}
	f.records = append(f.records, e.JSON)
}

// gather puts an event into the files of the trails that take it.
func (d *Delivery) gather(e *trail.Entry) {
	var event *selector.Event
	for _, t := range d.accounts[e.Account] {
		p := t.at(e.Time)
		if p == nil {
			continue
		}
		if event == nil {
			event = selector.Read(e)
		}
		if !p.selector.Selects(event) {
			continue
		}
		id := fileID{p, d.region(t, e.JSON), e.Category == trail.Insight}
		f := d.files[id]
		if f == nil {
			f = new(file)
			d.files[id] = f
		}
		f.add(e)
		d.size += len(e.JSON)
	}
}

// maxRegions is how many regions a trail has files and digests of. Callers choose
// the region that they sign for: one that is not one of AWS's is as good as any, but
// each has a chain of digests of its own.
const maxRegions = 64

// region is the one under which a trail's file has an event: its own, or the
// trail's home region if that cannot be.
func (d *Delivery) region(t *tracked, record []byte) string {
	home := t.home()
	region, ok := regionOf(record)
	if !ok || region == home {
		return home
	}
	if t.regions[region] {
		return region
	}
	if len(t.regions) >= maxRegions {
		return home
	}
	t.regions[region] = true
	return region
}

// regionOf is the region in a record. No text that somebody chose can be taken for
// it: quotes in texts are escaped, and what names its own members stands behind it.
func regionOf(record []byte) (string, bool) {
	_, rest, _ := bytes.Cut(record, []byte(`"awsRegion":"`))
	region, _, ok := bytes.Cut(rest, []byte{'"'})
	if !ok || len(region) == 0 || len(region) > 32 {
		return "", false
	}
	for _, c := range region {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return "", false
		}
	}
	return string(region), true
}

// logFile is a log file as a digest lists it
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html).
type logFile struct {
	Bucket    string `json:"s3Bucket"`
	Object    string `json:"s3Object"`
	Hash      string `json:"hashValue"` // of what is compressed, in hexadecimal
	Algorithm string `json:"hashAlgorithm"`
	Newest    stamp  `json:"newestEventTime"`
	Oldest    stamp  `json:"oldestEventTime"`
}

const sha256Name = "SHA-256"

// stamp is a time as digests write it.
type stamp struct{ time.Time }

func (s stamp) String() string { return s.UTC().Format("2006-01-02T15:04:05Z") }

// MarshalJSON implements json.Marshaler. The zero time is null.
func (s stamp) MarshalJSON() ([]byte, error) {
	if s.IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + s.String() + `"`), nil
}

// cut makes the file what it will be: its key, bytes and place in a digest
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-examples.html).
func (f *file) cut(id fileID, now time.Time, z *packer) (*logFile, []byte) {
	t := id.period.Trail
	l := &logFile{
		Bucket: t.Bucket, Algorithm: sha256Name, Newest: stamp{f.newest}, Oldest: stamp{f.oldest},
		Object: fmt.Sprintf("%s%s_%s_%s_%sZ_%s.json.gz", folderOf(id.period, id.folder(), id.region, now), t.Account, id.folder(), id.region,
			now.UTC().Format("20060102T1504"), rand.Text()[:16]),
	}
	body, sum := z.pack(func(w io.Writer) {
		io.WriteString(w, `{"Records":[`)
		for i, record := range f.records {
			if i > 0 {
				io.WriteString(w, ",")
			}
			w.Write(record)
		}
		io.WriteString(w, "]}")
	})
	l.Hash = sum
	return l, body
}

// folderOf is where the files of a kind, region and day are, with a slash behind it.
func folderOf(p *period, kind, region string, day time.Time) string {
	return fmt.Sprintf("%sAWSLogs/%s/%s/%s/%s/", under(p.Trail.Prefix), p.Trail.Account, kind, region, day.UTC().Format("2006/01/02"))
}

// packer compresses files, one after the other. Records are much alike, so that
// its fastest way makes a tenth of them.
type packer struct{ zip *gzip.Writer }

func newPacker() *packer {
	zip, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	if err != nil {
		panic(err) // of a level that there is
	}
	return &packer{zip}
}

// pack is what write writes, compressed, and the SHA-256 of it before. Writes do
// not fail: they are to memory.
func (z *packer) pack(write func(io.Writer)) (body []byte, sum string) {
	var b bytes.Buffer
	h := sha256.New()
	z.zip.Reset(&b)
	write(io.MultiWriter(h, z.zip))
	if err := z.zip.Close(); err != nil {
		panic(err)
	}
	return b.Bytes(), hex.EncodeToString(h.Sum(nil))
}
