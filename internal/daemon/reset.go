package daemon

import (
	"net/http"

	"github.com/warder-iam/warder/internal/state"
)

// home is the account that the reset hook puts back, with its administrator's
// access key: the one this start made, or the oldest one of the data folder.
func (d *Daemon) findHome() (AccountSpec, error) {
	if d.First != nil {
		return AccountSpec{ID: d.First.ID, Name: accountName, Admin: d.First.Admin}, nil
	}
	var oldest *state.Account
	for a := range d.state.Snapshot().Accounts.All() {
		if oldest == nil || a.Created.Before(oldest.Created) {
			oldest = a
		}
	}
	_, key, err := d.adminKey(oldest.ID)
	return AccountSpec{ID: oldest.ID, Name: oldest.Name, Admin: key}, err
}

// reset forgets everything, in one transaction, and leaves the home account and
// its administrator as the first start made them, with the same access key.
func (d *Daemon) reset(r *http.Request) (*NewAccount, error) {
	var made *NewAccount
	err := d.state.Update(r.Context(), d.config.Now(), func(tx *state.Tx) (err error) {
		tx.Clear()
		made, err = d.putAccount(tx, d.home)
		return err
	})
	if err == nil {
		d.signIn.Forget()
	}
	return made, err
}
