package daemon

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/warder-iam/warder/arn"
	"github.com/warder-iam/warder/internal/authn"
	"github.com/warder-iam/warder/internal/authz"
	"github.com/warder-iam/warder/internal/ids"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
	"github.com/warder-iam/warder/internal/transfer"
	"github.com/warder-iam/warder/policy"
)

// maxImport bounds the listings of one import, as the control socket carries
// them: the largest accounts have some ten megabytes.
const maxImport = 512 << 20

// Imported is an account that was just imported. AWS's listings hold no
// secrets, so its root user gets an access key to begin with.
type Imported struct {
	transfer.Summary
	Root Key `json:"root"`
}

func (d *Daemon) serveImport(w http.ResponseWriter, r *http.Request) {
	var files []transfer.File
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxImport)).Decode(&files); err != nil {
		reply(w, nil, err)
		return
	}
	made, err := d.importAccount(r.Context(), files)
	reply(w, made, err)
}

// importAccount makes the account in one transaction, or nothing.
func (d *Daemon) importAccount(ctx context.Context, files []transfer.File) (*Imported, error) {
	account, err := transfer.Read(files)
	if err != nil {
		return nil, err
	}
	made := new(Imported)
	err = d.state.Update(ctx, d.config.Now(), func(tx *state.Tx) error {
		sum, err := account.Apply(tx)
		if err != nil {
			return err
		}
		made.Summary = *sum
		made.Root = Key{d.ids.KeyID(ids.AccessKey, account.ID), d.ids.Secret()}
		return d.putKey(tx, account.ID, account.ID, made.Root, tx.Now.UTC().Truncate(time.Second))
	})
	return made, err
}

func (d *Daemon) serveExport(w http.ResponseWriter, r *http.Request) {
	files, err := d.exportAccount(r.Context(), r.URL.Query().Get("account"), r.URL.Query().Get("all") != "")
	reply(w, files, err)
}

// exportAccount writes the authorization details of an account and, if all is
// asked for, what they leave out.
func (d *Daemon) exportAccount(ctx context.Context, account string, all bool) ([]transfer.File, error) {
	account, err := d.onlyAccount(account)
	if err != nil {
		return nil, err
	}
	root := &authn.Caller{Principal: policy.Principal{Kind: policy.Root, ARN: arn.Root(account), Account: account, UniqueID: account}}
	ask := func(operation string, in any) (any, error) {
		return d.iam.Run(&service.Call{
			Context: ctx, Request: authz.Request{Caller: root, Time: d.config.Now()}, Operation: d.iam.Operation(operation),
		}, d.state, d.server.Authz, in)
	}
	if all {
		return transfer.Export(ask)
	}
	text, err := transfer.Details(ask)
	return []transfer.File{{Text: text}}, err
}
