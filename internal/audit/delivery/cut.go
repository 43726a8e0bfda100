package delivery

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/warder-iam/warder/internal/audit/outbox"
)

// cut makes files of what was gathered, and the digests whose time it is, and puts
// them into the outbox together with how far the sources were read. If that fails
// everything is as before.
func (d *Delivery) cut(ctx context.Context) error {
	now, z := d.Now(), newPacker()
	b := &outbox.Batch{Consumer: consumer, Positions: d.progress(), Values: map[string][]byte{}}
	chains := maps.Clone(d.chains)
	for _, id := range slices.SortedFunc(maps.Keys(d.files), compareFiles) {
		l, body := d.files[id].cut(id, now, z)
		t := id.period.Trail
		p := &parcel{Trail: t.ID, Bucket: l.Bucket, Object: l.Object}
		if t.TopicARN() != "" {
			p.Notify = t
		}
		b.Items = append(b.Items, p.item(body))
		if t.Validation {
			c := d.begin(chains, chainID{t.ID, id.region}, id.period, now)
			c.Files = append(slices.Clip(c.Files), *l)
			chains[chainID{t.ID, id.region}] = c
		}
	}
	if err := d.cutDigests(ctx, chains, b, now, z); err != nil {
		return err
	}
	for id, c := range chains {
		if old, on := d.chains[id]; !on || !c.same(&old) {
			b.Values[id.value()] = encode(c)
		}
	}
	for id := range d.chains {
		if _, on := chains[id]; !on {
			b.Values[id.value()] = nil
		}
	}
	if len(b.Items)+len(b.Values)+len(b.Positions) > 0 {
		put, err := d.Outbox.Put(ctx, b)
		if err != nil {
			return err
		}
		if !put { // it was put before, under other names, when it seemed to have failed
			if chains, err = loadChains(ctx, d.Outbox); err != nil {
				return err
			}
		}
	}
	d.chains, d.last, d.size = chains, now, 0
	clear(d.files)
	maps.Copy(d.durable, d.taken)
	return nil
}

// cutDigests makes the digests that are due. A chain whose trail makes no more
// digests ends with the one that has its last files.
func (d *Delivery) cutDigests(ctx context.Context, chains map[chainID]chain, b *outbox.Batch, now time.Time, z *packer) error {
	for _, t := range d.trails {
		if t.validates() {
			id := chainID{t.ID, t.home()}
			chains[id] = d.begin(chains, id, t.last(), now)
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(chains), compareChains) {
		c := chains[id]
		end := c.due(now, d.DigestEvery)
		if end.IsZero() {
			continue
		}
		t := d.trails[id.trail]
		if t == nil || t.last() == nil {
			delete(chains, id)
			continue
		}
		p, body, err := d.makeDigest(ctx, t.last(), id.region, &c, end, now, z)
		if err != nil {
			return err
		}
		b.Items = append(b.Items, p.item(body))
		if t.validates() {
			chains[id] = c
		} else {
			delete(chains, id)
		}
	}
	return nil
}

// begin is a chain, or a new one. That of the home region begins with the trail's
// period, others with the hour of their first file.
func (d *Delivery) begin(chains map[chainID]chain, id chainID, p *period, now time.Time) chain {
	if c, on := chains[id]; on {
		return c
	}
	start := now.UTC().Truncate(d.DigestEvery)
	if p.From.After(start) || p.open() && id.region == p.Trail.Region {
		start = p.From.UTC().Truncate(time.Second)
	}
	return chain{Start: start}
}

func compareFiles(a, b fileID) int {
	return cmp.Or(cmp.Compare(a.period.Trail.ID, b.period.Trail.ID), a.period.From.Compare(b.period.From), cmp.Compare(a.region, b.region))
}

func compareChains(a, b chainID) int {
	return cmp.Or(cmp.Compare(a.trail, b.trail), cmp.Compare(a.region, b.region))
}
