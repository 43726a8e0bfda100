package trail

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// An Attribute is what LookupEvents finds events by; the names are those of
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupAttribute.html.
type Attribute string

// The attributes. Values are compared letter by letter; those of ReadOnly are
// "true" and "false".
const (
	EventID      Attribute = "EventId"
	EventName    Attribute = "EventName"
	EventSource  Attribute = "EventSource"
	ReadOnly     Attribute = "ReadOnly"
	Username     Attribute = "Username"
	AccessKeyID  Attribute = "AccessKeyId"
	ResourceType Attribute = "ResourceType"
	ResourceName Attribute = "ResourceName"
)

// attributes calls fn for every value that the event is found by. The event of an
// account without more is found by the attribute "".
func (e *Entry) attributes(fn func(Attribute, string)) {
	fn("", "")
	for _, a := range [...]struct {
		attribute Attribute
		value     string
	}{{EventID, e.ID}, {EventName, e.Name}, {EventSource, e.Source}, {ReadOnly, readOnly[e.ReadOnly]}, {Username, e.Username}, {AccessKeyID, e.AccessKeyID}} {
		if a.value != "" {
			fn(a.attribute, a.value)
		}
	}
	for _, r := range e.Resources {
		if r.Type != "" {
			fn(ResourceType, r.Type)
		}
		if r.Name != "" {
			fn(ResourceName, r.Name)
		}
	}
}

var readOnly = map[bool]string{true: "true", false: "false"}

// has says whether the event is to be found by a value: keys are hashes, and two
// values may have the same.
func (e *Entry) has(q *Query) bool {
	found := false
	e.attributes(func(a Attribute, v string) { found = found || a == q.Attribute && v == q.Value })
	return found && e.Account == q.Account && e.Category == q.Category
}

// realm is the account and the category, in which attributes are looked for. There
// were management events only at first, so their realm is the account alone.
func realm(account string, category Category) string { return account + string(category) }

// The keys: the day, counted from 1970, in the upper bits, so that they are
// ordered by it.
const (
	hashBits     = 48
	maxDay       = 1<<15 - 2 // in 2059
	blockBits    = 32
	maxBlocks    = 1 << blockBits
	blockEntries = 16
	blockBytes   = 64 << 10 // of text in a block, unless one entry alone is more
	msPerDay     = 24 * 60 * 60 * 1000
)

func dayOf(ms int64) int64 { return min(max(ms/msPerDay, 0), maxDay) }

func firstKey(day int64) int64 { return day << hashBits }

func blockID(day, number int64) int64 { return day<<blockBits | number }

// postingKey is the key of a value on a day: the day and a hash of the rest.
func postingKey(day int64, realm string, attribute Attribute, value string) int64 {
	b := make([]byte, 0, 256)
	b = append(b, realm...)
	b = append(b, 0)
	b = append(b, attribute...)
	b = append(b, 0)
	b = append(b, value...)
	sum := sha256.Sum256(b)
	return firstKey(day) | int64(binary.BigEndian.Uint64(sum[:])>>(64-hashBits))
}

// packer makes blocks: lines of entries, compressed. The dictionary lets a block of
// one event, as they come when little happens, be small as well.
type packer struct {
	text []byte
	out  bytes.Buffer
	w    *flate.Writer
}

// pack makes a block of the first entries, as many as go in, of that day. The block
// is good until the next call.
func (p *packer) pack(entries []*Entry, day int64) (block []byte, n int, err error) {
	p.text = p.text[:0]
	for n < len(entries) && n < blockEntries && (n == 0 || len(p.text) < blockBytes) && dayOf(entries[n].Time.UnixMilli()) == day {
		if p.text, err = appendEntry(p.text, entries[n]); err != nil {
			return nil, 0, fmt.Errorf("event %.40q: %w", entries[n].ID, err)
		}
		p.text = append(p.text, '\n')
		n++
	}
	p.out.Reset()
	if p.w == nil {
		if p.w, err = flate.NewWriterDict(&p.out, flateLevel, []byte(dictionary)); err != nil {
			return nil, 0, err
		}
	} else {
		p.w.Reset(&p.out)
	}
	if _, err := p.w.Write(p.text); err != nil {
		return nil, 0, err
	}
	if err := p.w.Close(); err != nil {
		return nil, 0, err
	}
	return p.out.Bytes(), n, nil
}

// flateLevel costs what flate.BestSpeed does, which takes no notice of the dictionary:
// an event of 1,500 bytes takes 150 in a full block and 370 alone, and not 220 and 820.
const flateLevel = 3

// unpack takes a block apart into the lines of its entries.
func unpack(block []byte) ([][]byte, error) {
	r := flate.NewReaderDict(bytes.NewReader(block), []byte(dictionary))
	const most = blockBytes + blockEntries*MaxEntry // in no block is more
	text, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, err
	}
	if len(text) > most || len(text) == 0 || text[len(text)-1] != '\n' {
		return nil, fmt.Errorf("%w: a block of the index", ErrCorrupt)
	}
	return bytes.Split(text[:len(text)-1], []byte{'\n'}), nil
}

// dictionary is what events have in common, the most common last. Another one needs
// another indexVersion.
var dictionary = strings.Join([]string{
	`"invokedByDelegate":{"accountId":"`, `"webIdFederationData":{"federatedProvider":"`, `"sharedEventID":"`, `AWSServiceEvent`, `AwsConsoleSignIn`,
	`"errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::`, ` is not authorized to perform: `, ` on resource: `,
	` because no identity-based policy allows the `, ` action"`, `"AWS::IAM::User"`, `"AWS::IAM::Role"`, `"AWS::IAM::Policy"`, `"AWS::IAM::AccessKey"`,
	`"roleSessionName":"`, `"policyArn":"arn:aws:iam::aws:policy/`, `"credentials":{"accessKeyId":"ASIA`, `"expiration":"`, `"assumedRoleUser":{"assumedRoleId":"AROA`,
	`{"id":"`, `","name":"AssumeRole","source":"sts.amazonaws.com","user":"`, `","key":"AKIA`, `","account":"`, `","time":"2026-`, `","readOnly":true,"resources":[{"type":"`,
	`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDA`, `"type":"AssumedRole","principalId":"AROA`, `","arn":"arn:aws:iam::`,
	`","accountId":"`, `","accessKeyId":"`, `","userName":"`, `"sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROA`,
	`"attributes":{"creationDate":"2026-`, `"mfaAuthenticated":"false"}},"eventTime":"2026-`, `Z","eventSource":"iam.amazonaws.com","eventName":"Get`, `","awsRegion":"us-east-1","sourceIPAddress":"`,
	`","userAgent":"aws-cli/2.`, `Boto3/1. md/Botocore#1. ua/2.0 os/linux md/arch#x86_64 lang/python#3. cfg/retry-mode#standard Botocore/1.`,
	`","requestParameters":{"userName":"`, `"},"responseElements":null,"requestID":"`, `","eventID":"`, `","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"`,
	`","eventCategory":"Management","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"`, `"}}` + "\n",
}, "")
