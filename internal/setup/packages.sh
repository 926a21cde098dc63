#!/bin/sh
# Installs the Debian packages that `make run` or `make test` needs and that
# are missing. Usage: packages.sh run|test
set -eu

case "${1:-}" in
run)
	# A Go module that is on no proxy; the guests' kernel, the tools that make
	# their images, the static programs of checks' toolbox, and npm for the
	# browser's part of the page.
	want="golang-github-digitalocean-go-libvirt-dev user-mode-linux mmdebstrap e2fsprogs kmod ca-certificates
		bash-static busybox-static"
	command -v npm >/dev/null || want="$want npm"
	;;
test)
	# A browser; an SSH server to check against; a linter for checks; what
	# Go's race detector needs; a database that the tests start by themselves;
	# and what a node has.
	want="chromium openssh-server shellcheck gcc libc6-dev
		postgresql libvirt-daemon libvirt-clients qemu-system-x86 qemu-system-arm qemu-system-misc qemu-utils ipxe-qemu iproute2"
	;;
*)
	echo "usage: $0 run|test" >&2
	exit 2
	;;
esac

command -v dpkg-query >/dev/null || {
	echo "This is no Debian: install what these packages hold by hand: $want" >&2
	echo "go-libvirt from its own site: go mod edit -dropreplace=github.com/digitalocean/go-libvirt && GOPROXY=direct go get github.com/digitalocean/go-libvirt@latest" >&2
	exit 1
}

# libvirt's session mode is for ordinary users: root's nodes on this machine
# run as one that has nothing else (vmbackend/libvirt/daemon).
if [ "$1" = test ] && [ "$(id -u)" = 0 ] && ! id labmark >/dev/null 2>&1; then
	useradd --system --user-group --home-dir /var/lib/labmark-node --shell /usr/sbin/nologin labmark
fi

missing=""
for package in $want; do
	dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' ||
		missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "installing Debian packages:$missing"
sudo=""
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || {
		echo "Run this as root, or install sudo, or have these packages installed:$missing" >&2
		exit 1
	}
	sudo="sudo"
fi
# shellcheck disable=SC2086 # sudo may be empty
case "$missing" in
*postgresql*)
	# The tests run servers of their own: Debian is not to begin one.
	$sudo mkdir -p /etc/postgresql-common
	[ -e /etc/postgresql-common/createcluster.conf ] ||
		echo "create_main_cluster = false" | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
	;;
esac
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # the lists are meant to be split
if ! { $sudo apt-get update && $sudo env DEBIAN_FRONTEND=noninteractive \
	apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
	tail -n 20 "$log" >&2
	echo "Could not install:$missing" >&2
	exit 1
fi
