package cloudtrail

import (
	"time"

	api "github.com/warder-iam/warder/internal/api/cloudtrail"
	"github.com/warder-iam/warder/internal/service"
	"github.com/warder-iam/warder/internal/state"
)

// startLogging of a trail that is logging changes nothing.
func (s *Service) startLogging(c *service.Call, tx *state.Tx, in *api.StartLoggingRequest) (*api.StartLoggingResponse, error) {
	t, err := findHomeTrail(c, &tx.Snapshot, in.Name)
	if err != nil || t.Logging {
		return nil, err
	}
	tx.Trails.Update(t, func(t *state.Trail) { t.Logging, t.Started = true, c.Time.UTC() })
	return nil, nil
}

func (s *Service) stopLogging(c *service.Call, tx *state.Tx, in *api.StopLoggingRequest) (*api.StopLoggingResponse, error) {
	t, err := findHomeTrail(c, &tx.Snapshot, in.Name)
	if err != nil || !t.Logging {
		return nil, err
	}
	tx.Trails.Update(t, func(t *state.Trail) { t.Logging, t.Stopped = false, c.Time.UTC() })
	return nil, nil
}

// getTrailStatus also gives the members that AWS has no use for any more and still
// sends: texts of times, empty if there is none.
func (s *Service) getTrailStatus(c *service.Call, snap *state.Snapshot, in *api.GetTrailStatusRequest) (*api.GetTrailStatusResponse, error) {
	t, err := findTrail(c, snap, in.Name)
	if err != nil {
		return nil, err
	}
	var d DeliveryStatus
	if s.delivery != nil {
		d = s.delivery.Status(t.ID)
	}
	out := &api.GetTrailStatusResponse{
		IsLogging:        &t.Logging,
		StartLoggingTime: known(t.Started), StopLoggingTime: known(t.Stopped),
		LatestDeliveryTime: known(d.Delivered), LatestDigestDeliveryTime: known(d.DigestDelivered), LatestNotificationTime: known(d.Notified),
		LatestDeliveryError: some(d.Error), LatestDigestDeliveryError: some(d.DigestError), LatestNotificationError: some(d.NotifyError),
		LatestDeliveryAttemptTime: stamp(d.Attempted), LatestDeliveryAttemptSucceeded: stamp(d.Delivered),
		LatestNotificationAttemptTime: stamp(d.Notified), LatestNotificationAttemptSucceeded: stamp(d.Notified),
		TimeLoggingStarted: stamp(t.Started), TimeLoggingStopped: stamp(t.Stopped),
	}
	return out, nil
}

// known is a time that is shown; nil if it never was.
func known(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return new(at.UTC().Truncate(time.Second))
}

// some is a text that is shown; nil if it is empty.
func some(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func stamp(at time.Time) *string {
	if at.IsZero() {
		return new("")
	}
	return new(at.UTC().Format("2006-01-02T15:04:05Z"))
}
