package wire

import (
	"log/slog"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for uri, want := range map[string]target{
		"qemu:///system":                                   {transport: Local, mode: "system", address: ":"},
		"qemu:///session":                                  {transport: Local, mode: "session", address: ":"},
		"qemu+unix:///session?socket=/a/b":                 {transport: Local, mode: "session", socket: "/a/b", address: ":"},
		"qemu+ssh://ann@node/system":                       {transport: SSH, mode: "system", host: "node", user: "ann", address: "node:22"},
		"qemu+ssh://ann@[fd00::1]:2222/session?socket=/so": {transport: SSH, mode: "session", host: "fd00::1", user: "ann", socket: "/so", address: "[fd00::1]:2222"},
		"qemu+tls://node/system":                           {transport: TLS, mode: "system", host: "node", address: "node:16514"},
	} {
		if got, err := parse(uri); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", uri, got, err, want)
		}
	}
	for uri, says := range map[string]string{
		"qemu:///other":                    "/system or /session",
		"xen:///system":                    "must begin with",
		"qemu+ssh://node/system":           "names no user",
		"qemu+ssh:///system":               "a host belongs",
		"qemu://node/system":               "a host belongs",
		"qemu+tls://node/system?socket=/a": "not with TLS",
		"qemu:///session?socket=a":         "absolute path",
		"qemu:///session?no_verify=1":      "not known",
		"qemu+ssh://a@b:port/system":       "port",
		"qemu+ssh://a@b/system?socket=%zz": "",
	} {
		if _, err := parse(uri); says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: the error %v does not say %q", uri, err, says)
		}
	}
}

func TestEndpointsThatCannotWork(t *testing.T) {
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIz3aM0Oahd1bRCpNz5y0c1v1CJmHY7dCvC8f4zVnG8M"
	for says, e := range map[string]Endpoint{
		"host key is missing": {URI: "qemu+ssh://a@b/system"},
		"no line such as":     {URI: "qemu+ssh://a@b/system", HostKey: "b ssh-ed25519"},
		"private key":         {URI: "qemu+ssh://a@b/system", HostKey: key, Identity: "/does/not/exist"},
		"cacert.pem":          {URI: "qemu+tls://b/system", PKI: "/does/not/exist"},
	} {
		if _, err := New(e, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: the error %v does not say %q", e, err, says)
		}
	}
}
