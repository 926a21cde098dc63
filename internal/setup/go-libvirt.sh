#!/bin/sh
# Says in one line what to do where the module that go.mod replaces is missing.
set -eu
folder=$(go list -m -f '{{.Dir}}' github.com/digitalocean/go-libvirt 2>/dev/null) || folder=""
[ -f "$folder/go.mod" ] && exit 0
echo "go-libvirt is missing: apt-get install golang-github-digitalocean-go-libvirt-dev, or take it from its own site: go mod edit -dropreplace=github.com/digitalocean/go-libvirt && GOPROXY=direct go get github.com/digitalocean/go-libvirt@latest" >&2
exit 1
