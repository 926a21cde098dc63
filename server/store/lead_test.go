package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/labmark/labmark/server/store/storetest"
)

func TestOneGatewayLeads(t *testing.T) {
	database := storetest.Empty(t)
	first, release, err := Lead(t.Context(), database, func() { t.Error("the first one waits") })
	if err != nil {
		t.Fatal(err)
	}
	waits, leads := make(chan struct{}), make(chan func(), 1)
	go func() {
		_, release, err := Lead(context.Background(), database, func() { close(waits) })
		if err != nil {
			t.Error(err)
			release = func() {}
		}
		leads <- release
	}()
	<-waits
	// It opens no database that it does not serve.
	if s, err := connect(database); err != nil || s.db.Migrator().HasTable("users") {
		t.Errorf("who waits has brought the schema up to date (%v)", err)
	} else {
		s.Close()
	}
	release()
	select {
	case release := <-leads:
		release()
	case <-time.After(time.Minute):
		t.Fatal("nobody has taken over")
	}
	if first.Err() == nil {
		t.Error("whoever has let go still leads")
	}
}

func TestLeadSurvivesACutConnection(t *testing.T) {
	server, err := storetest.Start()
	if err != nil {
		t.Skip(err)
	}
	defer server.Stop()
	if err := server.Create("labmark"); err != nil {
		t.Fatal(err)
	}
	database := server.URL("labmark")
	leading, release, err := Lead(t.Context(), database, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	server.Kill()
	if err := server.Run(); err != nil {
		t.Fatal(err)
	}
	// Another would wait: the first one has it again.
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	deadline := time.Now().Add(time.Minute)
	for !waits(ctx, t, database) {
		if leading.Err() != nil {
			break // the other one was quicker, which is as good
		}
		if time.Now().After(deadline) {
			t.Fatal("after the database's restart two lead")
		}
	}
	if err := context.Cause(leading); err != nil && !errors.Is(err, ErrLedByAnother) {
		t.Error(err)
	}
}

// waits is true if another gateway has to wait.
func waits(ctx context.Context, t *testing.T, database string) (waited bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	_, release, err := Lead(ctx, database, func() { waited = true; cancel() })
	if err == nil {
		release()
	} else if !waited {
		t.Log(err)
	}
	return waited
}
