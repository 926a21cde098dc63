package bastion

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// leastRSA is the least length of an RSA key, in bits.
const leastRSA = 3072

// maxLine bounds a line with a key, in bytes: RSA of 16384 bits fits.
const maxLine = 4 << 10

// Errors of ParseKey, for the person who has pasted the line.
var (
	ErrNoKey      = errors.New("this is no public SSH key; paste the line from a file that ends in .pub")
	ErrPrivateKey = errors.New("this is a private key: keep it to yourself, and paste the line from the file that ends in .pub")
	ErrOptions    = errors.New("options before a key are not understood here; paste the key alone")
	ErrWeakKey    = errors.New("this kind of key is too weak; make a new one with ssh-keygen -t ed25519")
	ErrCertified  = errors.New("certificates are not understood here; paste the key itself")
)

// ParseKey reads a line of an authorized_keys file and returns it without its
// comment, which it returns beside it.
func ParseKey(line string) (key ssh.PublicKey, comment string, err error) {
	line = strings.TrimSpace(line)
	switch {
	case strings.Contains(line, "PRIVATE KEY"):
		return nil, "", ErrPrivateKey
	case line == "" || len(line) > maxLine || strings.ContainsAny(line, "\n\r\x00"):
		return nil, "", ErrNoKey
	}
	key, comment, options, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return nil, "", ErrNoKey
	}
	if len(options) > 0 {
		return nil, "", ErrOptions
	}
	return key, comment, Acceptable(key)
}

// Acceptable says whether a key is of a kind that opens the door.
func Acceptable(key ssh.PublicKey) error {
	switch key.Type() {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256,
		ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521:
		return nil
	case ssh.KeyAlgoRSA:
		if c, ok := key.(ssh.CryptoPublicKey); ok {
			if k, ok := c.CryptoPublicKey().(*rsa.PublicKey); ok && k.N.BitLen() >= leastRSA {
				return nil
			}
		}
		return ErrWeakKey
	}
	if _, certificate := key.(*ssh.Certificate); certificate {
		return ErrCertified
	}
	return fmt.Errorf("%s: %w", key.Type(), ErrWeakKey)
}
