package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrLedByAnother is the cause of the end of a context of Lead.
var ErrLedByAnother = errors.New("another gateway has taken over the database")

const (
	leadEvery   = time.Second     // pause between looks at the lock, and tries
	leadTimeout = 5 * time.Second // of one of them
)

// Lead waits until no other gateway serves the database of that name, and
// keeps others from it until release, or until this process ends in whatever
// way. It calls waiting once if it has to wait. The context that it returns
// ends with ErrLedByAnother if another has taken over nevertheless, as after a
// network that was cut: then nothing may be written any more.
//
// It does not touch the schema: a gateway that waits may be a newer one. An
// SQLite database is kept to one gateway by its folder's lock instead.
func Lead(ctx context.Context, name string, waiting func()) (leading context.Context, release func(), err error) {
	if !isPostgres(name) {
		return ctx, func() {}, nil
	}
	l := &lead{name: name}
	for told := false; ; told = true {
		err := l.take(ctx, false)
		if err == nil {
			break
		}
		if !errors.Is(err, ErrLedByAnother) {
			return nil, nil, fmt.Errorf("open database %s: %w", Shown(name), err)
		}
		if !told {
			waiting()
		}
		if !pause(ctx) {
			return nil, nil, ctx.Err()
		}
	}
	leading, lost := context.WithCancelCause(ctx)
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if l.watch(watching) {
			lost(ErrLedByAnother)
		}
		l.drop()
	}()
	return leading, func() { stop(); <-ended; lost(nil) }, nil
}

// lead is a lock that PostgreSQL keeps as long as a connection lives. The
// token tells whether another has had it since.
type lead struct {
	name  string
	conn  *pgx.Conn
	token int64
}

func (l *lead) take(ctx context.Context, again bool) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*leadTimeout)
	defer cancel()
	l.drop()
	if l.conn, err = pgx.Connect(ctx, l.name); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			l.drop()
		}
	}()
	// A machine that is gone says nothing: the server is to notice soon.
	if _, err = l.conn.Exec(ctx, "SET tcp_keepalives_idle = 4; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3"); err != nil {
		return err
	}
	var free bool
	if err = l.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock(hashtextextended('labmark gateway', 0))").Scan(&free); err != nil {
		return err
	}
	if !free {
		return ErrLedByAnother
	}
	if again {
		var now int64
		if err = l.conn.QueryRow(ctx, "SELECT token FROM claims WHERE name = 'gateway'").Scan(&now); err == nil && now != l.token {
			err = ErrLedByAnother
		}
		return err
	}
	if _, err = l.conn.Exec(ctx, `CREATE TABLE IF NOT EXISTS claims
		(name text PRIMARY KEY, token bigint NOT NULL, holder text NOT NULL, since timestamptz NOT NULL)`); err != nil {
		return err
	}
	host, _ := os.Hostname()
	return l.conn.QueryRow(ctx, `INSERT INTO claims (name, token, holder, since) VALUES ('gateway', 1, $1, now())
		ON CONFLICT (name) DO UPDATE SET token = claims.token + 1, holder = excluded.holder, since = excluded.since
		RETURNING token`, fmt.Sprintf("%s, process %d", host, os.Getpid())).Scan(&l.token)
}

// watch returns true if another leads, and false when ctx ends. As long as
// the database is away nobody can lead, and it may come back.
func (l *lead) watch(ctx context.Context) bool {
	for pause(ctx) {
		look, cancel := context.WithTimeout(ctx, leadTimeout)
		var one int
		err := errors.New("there is no connection")
		if l.conn != nil {
			err = l.conn.QueryRow(look, "SELECT 1").Scan(&one)
		}
		cancel()
		if err != nil && ctx.Err() == nil && errors.Is(l.take(ctx, true), ErrLedByAnother) {
			return true
		}
	}
	return false
}

func (l *lead) drop() {
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = l.conn.Close(ctx)
	l.conn = nil
}

// pause returns false if ctx has ended.
func pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(leadEvery):
		return true
	}
}
