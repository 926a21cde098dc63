package store

import (
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// ltiTables brings learning platforms: who launches, from where, to what.
var ltiTables = &gormigrate.Migration{
	ID: "0002-lti",
	Migrate: func(tx *gorm.DB) error {
		if err := tx.AutoMigrate(&platform2{}, &context2{}, &membership2{}, &resourceLink2{},
			&toolKey2{}, &once2{}, &invitation2{}); err != nil {
			return err
		}
		if err := addColumns(tx, &user2{}, "PlatformID", "Subject", "GivenName", "FamilyName", "Email", "Username",
			"SourcedID", "PlatformNumber", "Admin"); err != nil {
			return err
		}
		if err := tx.Migrator().CreateIndex(&user2{}, "user_subject"); err != nil {
			return err
		}
		return perContext(tx)
	},
}

type platform2 struct {
	ID           uint `gorm:"primaryKey"`
	Name         string
	Issuer       string `gorm:"uniqueIndex:platform_client,priority:1;not null"`
	ClientID     string `gorm:"uniqueIndex:platform_client,priority:2;not null"`
	AuthURL      string
	TokenURL     string
	KeysURL      string
	Audience     string
	Deployments  string
	Product      string
	FrameOrigins string
	State        string
	CreatedAt    time.Time
	LastLaunch   *time.Time
}

func (platform2) TableName() string { return "platforms" }

type context2 struct {
	ID          uint   `gorm:"primaryKey"`
	PlatformID  uint   `gorm:"uniqueIndex:context_lti,priority:1;not null"`
	Deployment  string `gorm:"uniqueIndex:context_lti,priority:2;not null"`
	LTIID       string `gorm:"column:lti_id;uniqueIndex:context_lti,priority:3;not null"`
	Label       string
	Title       string
	SourcedID   string
	Memberships string
	LineItems   string
	Scopes      string
	RosterAt    *time.Time
	RosterWhy   string
	CreatedAt   time.Time
}

func (context2) TableName() string { return "contexts" }

type membership2 struct {
	ContextID  uint `gorm:"primaryKey;autoIncrement:false"`
	UserID     uint `gorm:"primaryKey;autoIncrement:false;index"`
	Learner    bool
	Instructor bool
	Active     bool
	LastLaunch *time.Time
}

func (membership2) TableName() string { return "memberships" }

type resourceLink2 struct {
	ID        uint   `gorm:"primaryKey"`
	ContextID uint   `gorm:"uniqueIndex:link_lti,priority:1;not null"`
	LTIID     string `gorm:"column:lti_id;uniqueIndex:link_lti,priority:2;not null"`
	Title     string
	Course    string
	Tutorial  string
	LineItem  string
	Maximum   float64
	CreatedAt time.Time
}

func (resourceLink2) TableName() string { return "resource_links" }

type toolKey2 struct {
	ID        string `gorm:"primaryKey"`
	PEM       []byte
	CreatedAt time.Time
}

func (toolKey2) TableName() string { return "tool_keys" }

type once2 struct {
	ID    string    `gorm:"primaryKey"`
	Until time.Time `gorm:"index"`
}

func (once2) TableName() string { return "once" }

type invitation2 struct {
	Hash      string `gorm:"primaryKey"`
	CreatedAt time.Time
	Until     time.Time
}

func (invitation2) TableName() string { return "invitations" }

type user2 struct {
	ID             uint    `gorm:"primaryKey"`
	PlatformID     *uint   `gorm:"uniqueIndex:user_subject,priority:1"`
	Subject        *string `gorm:"uniqueIndex:user_subject,priority:2"`
	GivenName      string
	FamilyName     string
	Email          string
	Username       string
	SourcedID      string
	PlatformNumber string
	Admin          bool
}

func (user2) TableName() string { return "users" }

// perContext makes guests, attempts and opened hints belong to a context; all
// that there were belong to none.
func perContext(tx *gorm.DB) error {
	type guest struct {
		UserID    *uint   `gorm:"uniqueIndex:guest_of,priority:1"`
		ContextID *uint   `gorm:"uniqueIndex:guest_of,priority:2"`
		Course    *string `gorm:"uniqueIndex:guest_of,priority:3"`
		Tutorial  *string `gorm:"uniqueIndex:guest_of,priority:4"`
	}
	type attempt struct {
		UserID    uint   `gorm:"index:attempt_of,priority:2"`
		ContextID uint   `gorm:"index:attempt_of,priority:1;not null;default:0"`
		Course    string `gorm:"index:attempt_of,priority:3"`
		Tutorial  string `gorm:"index:attempt_of,priority:4"`
	}
	type hintOpening struct {
		UserID    uint   `gorm:"primaryKey;autoIncrement:false"`
		ContextID uint   `gorm:"primaryKey;autoIncrement:false"`
		Course    string `gorm:"primaryKey"`
		Tutorial  string `gorm:"primaryKey"`
		Hint      string `gorm:"primaryKey"`
		At        time.Time
	}
	guests, attempts := tx.Table("guests"), tx.Table("attempts")
	steps := []func() error{
		func() error { return guests.Migrator().AddColumn(&guest{}, "ContextID") },
		func() error { return tx.Exec("UPDATE guests SET context_id = 0 WHERE user_id IS NOT NULL").Error },
		func() error { return guests.Migrator().DropIndex(&guest{}, "guest_owner") },
		func() error { return guests.Migrator().CreateIndex(&guest{}, "guest_of") },
		func() error { return attempts.Migrator().AddColumn(&attempt{}, "ContextID") },
		func() error { return attempts.Migrator().DropIndex(&attempt{}, "attempt_owner") },
		func() error { return attempts.Migrator().CreateIndex(&attempt{}, "attempt_of") },
		func() error { return tx.Migrator().RenameTable("hint_openings", "hint_openings_1") },
		func() error { return tx.Table("hint_openings").Migrator().CreateTable(&hintOpening{}) },
		func() error {
			return tx.Exec(`INSERT INTO hint_openings (user_id, context_id, course, tutorial, hint, at)
				SELECT user_id, 0, course, tutorial, hint, at FROM hint_openings_1`).Error
		},
		func() error { return tx.Migrator().DropTable("hint_openings_1") },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func addColumns(tx *gorm.DB, model any, fields ...string) error {
	for _, f := range fields {
		if err := tx.Migrator().AddColumn(model, f); err != nil {
			return err
		}
	}
	return nil
}
