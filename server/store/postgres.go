package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
)

func isPostgres(name string) bool {
	return strings.HasPrefix(name, "postgres://") || strings.HasPrefix(name, "postgresql://")
}

// Shown is what of a database's name may be shown: no password.
func Shown(name string) string {
	if !isPostgres(name) {
		return name
	}
	u, err := url.Parse(name)
	if err != nil {
		return "postgres://…"
	}
	u.RawQuery = "" // it may hold a password too
	return u.Redacted()
}

// postgresURL opens no connection yet.
func postgresURL(name string) (gorm.Dialector, error) {
	cfg, err := pgx.ParseConfig(name)
	if err != nil {
		return nil, err // it shows no password
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 10 * time.Second
	}
	for key, value := range map[string]string{
		"application_name": "labmark",
		"timezone":         "UTC",
		// What a gateway that stands still has begun must not be finished when
		// it wakes up and another leads (see Lead).
		"idle_in_transaction_session_timeout": "5s",
	} {
		if cfg.RuntimeParams[key] == "" {
			cfg.RuntimeParams[key] = value
		}
	}
	connect := stdlib.GetConnector(*cfg, stdlib.OptionAfterConnect(func(_ context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterType(&pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID,
			Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC}})
		return nil
	}))
	return postgres.New(postgres.Config{Conn: sql.OpenDB(connector{connect})}), nil
}

type connector struct{ driver.Connector }

// Connect is called by database/sql.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return storable{conn.(*stdlib.Conn)}, nil
}

// storable is a connection that makes a text of bytes that are none, as a
// student's machine may print them: PostgreSQL refuses the zero byte and what
// is no UTF-8, and then the whole row would be lost.
type storable struct{ *stdlib.Conn }

// CheckNamedValue is called by database/sql for each value of a statement.
func (storable) CheckNamedValue(v *driver.NamedValue) error {
	value := reflect.ValueOf(v.Value)
	if value.Kind() == reflect.Pointer && !value.IsNil() {
		value = value.Elem()
	}
	if _, itself := v.Value.(driver.Valuer); value.Kind() == reflect.String && !itself {
		v.Value = storableText(value.String())
	}
	return nil
}

func storableText(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

func (s *Store) postgres() bool { return onPostgres(s.db) }

func onPostgres(db *gorm.DB) bool { return db.Name() == "postgres" }
