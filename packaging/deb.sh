#!/bin/sh
# Makes dist/labmark_VERSION_ARCH.deb of a binary. Usage: deb.sh BINARY VERSION
set -eu
cd "$(dirname "$0")/.."
binary=$1 version=$2
arch=$(dpkg --print-architecture)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"

put() { install -D -m "$1" "packaging/$2" "$root/$3"; }
install -D -m 755 "$binary" "$root/usr/bin/labmark"
put 644 labmark.service lib/systemd/system/labmark.service
put 644 sysusers.conf usr/lib/sysusers.d/labmark.conf
put 644 tmpfiles.conf usr/lib/tmpfiles.d/labmark.conf
put 644 labmark.yaml etc/labmark/labmark.yaml
put 644 default etc/default/labmark
doc=usr/share/doc/labmark
put 644 copyright $doc/copyright
put 644 README.Debian $doc/README.Debian
install -m 644 docs/*.md "$root/$doc/"
mkdir -p "$root/usr/share/labmark/courses"
cp -r examples/linux-essentials "$root/usr/share/labmark/courses/"
chmod -R u=rwX,go=rX "$root/usr/share/labmark"

date=$(git log -1 --format=%cD 2>/dev/null || date -R)
printf 'labmark (%s) unstable; urgency=medium\n\n  * Built from the sources; what has changed stands in their history.\n\n -- Labmark <labmark@localhost>  %s\n' \
	"$version" "$date" | gzip -9n >"$root/$doc/changelog.gz"
mkdir -p "$root/usr/share/man/man8"
packaging/man.sh "$binary" "$version" | gzip -9n >"$root/usr/share/man/man8/labmark.8.gz"

mkdir "$root/DEBIAN"
install -m 755 packaging/scripts/* "$root/DEBIAN/"
printf '/etc/labmark/labmark.yaml\n/etc/default/labmark\n' >"$root/DEBIAN/conffiles"
(cd "$root" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
cat >"$root/DEBIAN/control" <<END
Package: labmark
Version: $version
Architecture: $arch
Maintainer: Labmark <labmark@localhost>
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Depends: ca-certificates, systemd | systemd-standalone-sysusers, user-mode-linux
Recommends: e2fsprogs, git, kmod, mmdebstrap
Suggests: libvirt-clients, openssh-client, postgresql
Section: education
Priority: optional
Homepage: https://github.com/labmark/labmark
Description: serves Markdown labs that mark themselves
 Labmark turns Markdown tutorials with check blocks into labs: every student
 gets a Linux machine with full root in the browser, checks log in over SSH and
 grade what was done, and grades go to Moodle or Canvas by LTI 1.3.
END
mkdir -p dist
dpkg-deb --root-owner-group --build "$root" "dist/labmark_${version}_$arch.deb"
