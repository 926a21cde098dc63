package store

import (
	"context"
	"net/url"
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

// withoutPassword is what of a database's URL may be shown.
func withoutPassword(name string) string {
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
		// it wakes up and another has its work (see Claim).
		"idle_in_transaction_session_timeout": "5s",
	} {
		if cfg.RuntimeParams[key] == "" {
			cfg.RuntimeParams[key] = value
		}
	}
	return postgres.New(postgres.Config{Conn: stdlib.OpenDB(*cfg, stdlib.OptionAfterConnect(setTypes))}), nil
}

// setTypes makes times and texts be those that SQLite keeps.
func setTypes(_ context.Context, conn *pgx.Conn) error {
	types := conn.TypeMap()
	types.RegisterType(&pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID,
		Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC}})
	for name, oid := range map[string]uint32{"text": pgtype.TextOID, "varchar": pgtype.VarcharOID} {
		types.RegisterType(&pgtype.Type{Name: name, OID: oid, Codec: storable{}})
	}
	return nil
}

// storable makes a text of bytes that are none, as a student's machine may
// print them: PostgreSQL refuses the zero byte and what is no UTF-8, and then
// the whole row would be lost.
type storable struct{ pgtype.TextCodec }

// PlanEncode is asked once for each kind of value.
func (c storable) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(string); ok {
		return storablePlan{}
	}
	return c.TextCodec.PlanEncode(m, oid, format, value)
}

type storablePlan struct{}

// Encode appends the text to buf.
func (storablePlan) Encode(value any, buf []byte) ([]byte, error) {
	return append(buf, storableText(value.(string))...), nil
}

func storableText(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

func (s *Store) postgres() bool { return onPostgres(s.db) }

func onPostgres(db *gorm.DB) bool { return db.Name() == "postgres" }
