package sample

import (
	"time"

	"github.com/labmark/labmark/themes"
)

// Profile has two keys, one of which was used.
func Profile(nonce string) themes.ProfilePage {
	used := time.Date(2026, 11, 19, 8, 30, 0, 0, time.UTC)
	return themes.ProfilePage{Layout: layout("Your profile", nonce), Name: "Ann Example", Login: "ann", AddAction: "/profile/keys", Privacy: "/privacy",
		SSH: &themes.SSHWay{Command: "ssh -p 2222 labmark@labs.example.edu", Fingerprint: "SHA256:7Qx2m0aV1s9rC5d8Lw3kT6uYbNfGhJpZeXoRiAtMvBc"},
		Keys: []themes.KeyView{
			{Name: "ann@laptop", Kind: "ssh-ed25519", Fingerprint: "SHA256:Zt4hG1kQ9mVb7xWc2nLrE5sYuJdPfA8oKiTqMvR3wHg", Added: used.AddDate(0, -1, 0), Used: &used, RemoveAction: "/profile/keys/1/remove"},
			{Name: "the old one", Kind: "ssh-rsa", Fingerprint: "SHA256:pL0oK9iJ8uH7yG6tF5rD4eS3wA2qZ1xC0vB9nM8aQwE", Added: used.AddDate(0, -2, 0), RemoveAction: "/profile/keys/2/remove"},
		}}
}
