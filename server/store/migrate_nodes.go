package store

import (
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// guestKinds tells what else than its image makes a guest, and where it is.
var guestKinds = &gormigrate.Migration{
	ID: "0006-guest-kinds",
	Migrate: func(tx *gorm.DB) error {
		type Guest struct {
			Desktop bool   `gorm:"not null;default:false"`
			Mirror  bool   `gorm:"not null;default:false"`
			Node    string `gorm:"not null;default:''"`
		}
		return addColumns(tx, &Guest{}, "Desktop", "Mirror", "Node")
	},
}

// nodesTable brings the machines that guests run on.
var nodesTable = &gormigrate.Migration{
	ID: "0007-nodes",
	Migrate: func(tx *gorm.DB) error {
		type Node struct {
			Name       string `gorm:"primaryKey"`
			URI        string `gorm:"not null"`
			Capacity   int    `gorm:"not null;default:0"`
			Labels     string
			HostKey    string
			Identity   string
			PKI        string
			Pool       string
			Wanted     string `gorm:"not null"`
			WantedWhy  string
			State      string
			StateSince *time.Time
			StateWhy   string
			CreatedAt  time.Time
		}
		return tx.AutoMigrate(&Node{})
	},
}
