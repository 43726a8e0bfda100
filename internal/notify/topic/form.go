package topic

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// document is a message in the form that endpoints get
// (https://docs.aws.amazon.com/sns/latest/dg/http-notification-json.html): members in
// AWS's order, written as AWS writes them.
type document struct {
	kind, id, token, topic, subject, text, subscribe, at string
	version, signature, certificate, unsubscribe         string
	attributes                                           map[string]Attribute
}

// toSign is what the signature is over: some members in the order of their names,
// each on two lines
// (https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html).
func (d *document) toSign() []byte {
	var b strings.Builder
	add := func(name, value string) {
		b.WriteString(name)
		b.WriteByte('\n')
		b.WriteString(value)
		b.WriteByte('\n')
	}
	add("Message", d.text)
	add("MessageId", d.id)
	if d.kind == Notification {
		if d.subject != "" {
			add("Subject", d.subject)
		}
	} else {
		add("SubscribeURL", d.subscribe)
	}
	add("Timestamp", d.at)
	if d.kind != Notification {
		add("Token", d.token)
	}
	add("TopicArn", d.topic)
	add("Type", d.kind)
	return []byte(b.String())
}

// json is the document's text.
func (d *document) json() []byte {
	var w object
	w.begin("")
	w.text("Type", d.kind)
	w.text("MessageId", d.id)
	w.given("Token", d.token)
	w.text("TopicArn", d.topic)
	w.given("Subject", d.subject)
	w.text("Message", d.text)
	w.given("SubscribeURL", d.subscribe)
	w.text("Timestamp", d.at)
	w.text("SignatureVersion", d.version)
	w.text("Signature", d.signature)
	w.text("SigningCertURL", d.certificate)
	w.given("UnsubscribeURL", d.unsubscribe)
	if len(d.attributes) > 0 {
		w.key("MessageAttributes")
		var inner object
		inner.begin("  ")
		for _, name := range slices.Sorted(maps.Keys(d.attributes)) {
			a := d.attributes[name]
			inner.key(name)
			inner.b.WriteString(`{"Type":`)
			inner.quote(a.Type)
			inner.b.WriteString(`,"Value":`)
			inner.quote(a.Value)
			inner.b.WriteByte('}')
		}
		w.b.Write(inner.end())
	}
	return w.end()
}

// object is a JSON object that is being written, a member a line.
type object struct {
	b      bytes.Buffer
	indent string
	some   bool
}

func (o *object) begin(indent string) {
	o.indent = indent
	o.b.WriteString("{\n")
}

func (o *object) end() []byte {
	o.b.WriteString("\n" + o.indent + "}")
	return o.b.Bytes()
}

func (o *object) key(name string) {
	if o.some {
		o.b.WriteString(",\n")
	}
	o.some = true
	o.b.WriteString(o.indent + "  ")
	o.quote(name)
	o.b.WriteString(" : ")
}

func (o *object) text(name, value string) {
	o.key(name)
	o.quote(value)
}

func (o *object) given(name, value string) {
	if value != "" {
		o.text(name, value)
	}
}

func (o *object) quote(s string) {
	e := json.NewEncoder(&o.b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)             // a string always has JSON
	o.b.Truncate(o.b.Len() - 1) // the line feed behind it
}
