#!/bin/sh
# Installs the Debian packages that `make run` or `make test` needs and that
# are missing. Usage: packages.sh run|test
set -eu

case "${1:-}" in
run)
	# The guests' kernel, the tools that make their images, and npm for the
	# browser's part of the page.
	want="user-mode-linux mmdebstrap e2fsprogs kmod ca-certificates"
	command -v npm >/dev/null || want="$want npm"
	;;
test)
	# A browser; an SSH server to check against; a linter for checks; what
	# Go's race detector needs.
	want="chromium openssh-server shellcheck gcc libc6-dev"
	;;
*)
	echo "usage: $0 run|test" >&2
	exit 2
	;;
esac

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
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # the lists are meant to be split
if ! { $sudo apt-get update && $sudo env DEBIAN_FRONTEND=noninteractive \
	apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
	tail -n 20 "$log" >&2
	echo "Could not install:$missing" >&2
	exit 1
fi
