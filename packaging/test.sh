#!/bin/sh
# Tries the package in a fresh Debian: install, serve, upgrade, remove, purge.
# Needs root and mmdebstrap. Usage: test.sh OLD.deb NEW.deb
set -eu
old=$(realpath "$1") new=$(realpath "$2")
chroot=$(mktemp -d)
server=""
clean() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	umount -R "$chroot/proc" 2>/dev/null || true
	rm -rf --one-file-system "$chroot"
}
trap clean EXIT
say() { echo "-- $*"; }
fail() {
	echo "FAILED: $*" >&2
	exit 1
}
within() { chroot "$chroot" env DEBIAN_FRONTEND=noninteractive HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }

say "make a Debian with what the package depends on"
mmdebstrap --quiet --variant=minbase --include=ca-certificates,systemd-standalone-sysusers,user-mode-linux,curl bookworm "$chroot"
mount -t proc proc "$chroot/proc"
cp "$old" "$chroot/old.deb"
cp "$new" "$chroot/new.deb"

say "install"
within dpkg -i /old.deb
within labmark version
[ "$(stat -c '%a %U' "$chroot/etc/labmark/labmark.yaml")" = "640 root" ] || fail "the settings' rights"
within test -d /var/lib/labmark
echo a-password-of-ann | within labmark user add ann
echo "# mine" >>"$chroot/etc/labmark/labmark.yaml"

say "serve a page"
# No function here: its shell would be ended, and not the server.
chroot "$chroot" env HOME=/root labmark serve --demo --listen 127.0.0.1:18080 --pretend-lms 127.0.0.1:18081 /usr/share/labmark/courses/linux-essentials >"$chroot/server.log" 2>&1 &
server=$!
n=0
until within curl -sf http://127.0.0.1:18080/healthz >/dev/null; do
	n=$((n + 1))
	[ $n -lt 120 ] || { cat "$chroot/server.log"; fail "no answer within two minutes"; }
	sleep 1
done
within curl -sfL http://127.0.0.1:18080/ | grep -qi labmark || fail "the page is not Labmark's"
kill "$server"
wait "$server" || true
server=""

say "upgrade: data and settings are kept"
within dpkg -i --force-confold /new.deb
within labmark user list | grep -q ann || fail "the account is gone"
grep -q '# mine' "$chroot/etc/labmark/labmark.yaml" || fail "the settings are gone"
within dpkg --configure labmark 2>/dev/null || true
within /var/lib/dpkg/info/labmark.postinst configure 1 # once more does no harm

say "remove, and purge"
within dpkg -r labmark
within test -e /var/lib/labmark/labmark.db || fail "removing took the data"
within dpkg -P labmark
for gone in /var/lib/labmark /var/cache/labmark /etc/labmark /etc/default/labmark /usr/share/labmark; do
	[ ! -e "$chroot$gone" ] || fail "purging left $gone"
done
echo "the package works"
