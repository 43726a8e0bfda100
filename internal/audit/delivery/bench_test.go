package delivery

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/warder-iam/warder/internal/audit/outbox"
	"github.com/warder-iam/warder/internal/audit/trail"
	"github.com/warder-iam/warder/internal/seal"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/store/memory"
)

// What an event costs from the feed to the bytes in the outbox: choosing its
// trails, gathering, compressing, the write. 3,000 of them are a file, as with ten
// a second.
func BenchmarkDelivery(b *testing.B) {
	for _, trails := range []int{1, 5} {
		b.Run(fmt.Sprintf("trails=%d", trails), func(b *testing.B) {
			st, err := state.Open(b.Context(), memory.New())
			if err != nil {
				b.Fatal(err)
			}
			defer st.Close()
			o, err := outbox.Open(b.TempDir() + "/outbox.db")
			if err != nil {
				b.Fatal(err)
			}
			defer o.Close()
			if err := st.Update(b.Context(), began, func(tx *state.Tx) error {
				for i := range trails {
					tx.Trails.Put(&state.Trail{
						ID: fmt.Sprint(i), Account: account, Region: "us-east-1", Name: fmt.Sprint(i), Bucket: "logs",
						MultiRegion: true, GlobalEvents: true, Validation: true, Logging: true, Started: began,
					})
				}
				return nil
			}); err != nil {
				b.Fatal(err)
			}
			d, err := New(b.Context(), Config{
				State: st, Ring: seal.NewRandom(), Outbox: o, Now: func() time.Time { return began }, Log: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				b.Fatal(err)
			}
			const batch = 1000
			var entries []*trail.Entry
			for i := range batch {
				e := eventAt(fmt.Sprintf("%08d-1234-5678-9abc-def012345678", i), account, "us-east-1", began)
				e.JSON = fmt.Appendf(nil, `{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDARZPUZDIKHZN3RJ3Y2","arn":"arn:aws:iam::111122223333:user/user-%d","accountId":"111122223333","accessKeyId":"AKIAEXAMPLEWARDERE2E","userName":"user-%d"},"eventTime":"2026-03-04T10:20:30Z","eventSource":"iam.amazonaws.com","eventName":"GetUser","awsRegion":"us-east-1","sourceIPAddress":"10.1.2.%d","userAgent":"aws-cli/1.45.11 md/Botocore#1.43.11 ua/2.1 os/linux md/arch#x86_64 lang/python#3.11.7 md/pyimpl#CPython cfg/retry-mode#legacy botocore/1.43.11","requestParameters":{"userName":"user-%d"},"responseElements":null,"requestID":"59a59c72-1a09-44db-ae41-%012x","eventID":"%s","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}`,
					i, i, i%256, i*7, i*7919, e.ID)
				entries = append(entries, e)
			}
			b.SetBytes(int64(len(entries[0].JSON)))
			b.ResetTimer()
			position := int64(0)
			for n := 0; n < b.N; n += batch {
				position += batch
				if err := d.Take(b.Context(), "log", position, entries); err != nil {
					b.Fatal(err)
				}
				if position%(3*batch) == 0 {
					if err := d.Flush(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
			}
			if err := d.Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
		})
	}
}
