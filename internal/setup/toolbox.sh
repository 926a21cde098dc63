#!/bin/sh
# Packs the toolbox that checks use in guests: a static bash, a static busybox,
# and a name for each of its programs that checks may take for the usual one.
# Usage: toolbox.sh ARCH OUTPUT, ARCH in Go's word
set -eu

arch=$1 output=$2

# What decides in checks, and behaves alike in both. Left out are those that
# differ too much from Debian's: ps, top, kill and its kin, find, date, diff,
# du, tar, xargs, less, nc, ip, ss, mount. For them the guest's own are found.
names="[ awk base64 basename cat chmod chown cmp cp cut dirname echo env expr false fold grep egrep fgrep
	groups head hexdump hostname id ln logname ls md5sum mkdir mkfifo mktemp mv nl od paste printf pwd
	readlink realpath rev rm rmdir sed seq sha1sum sha256sum sha512sum sleep sort stat strings tac tail
	tee test timeout touch tr true tty uname uniq wc whoami xxd yes"

here=$(dpkg --print-architecture)
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
mkdir "$box/tools"
if [ "$arch" = "$here" ]; then
	cp /bin/bash-static "$box/tools/bash"
	cp /bin/busybox "$box/tools/busybox"
else
	# Another processor's packages, from the mirrors that this machine knows.
	mkdir -p "$box/apt/lists/partial" "$box/apt/cache/archives/partial"
	: >"$box/apt/status"
	(
		cd "$box"
		options="-o APT::Architecture=$arch -o APT::Architectures=$arch -o Dir::State::Lists=$box/apt/lists
			-o Dir::Cache=$box/apt/cache -o Dir::State::status=$box/apt/status -o APT::Sandbox::User=root"
		# shellcheck disable=SC2086 # the options are meant to be split
		apt-get $options update >/dev/null
		# shellcheck disable=SC2086
		apt-get $options download bash-static busybox-static >/dev/null
		for package in ./*.deb; do dpkg-deb -x "$package" root; done
	)
	find "$box/root" -name bash-static -type f -exec cp {} "$box/tools/bash" \;
	find "$box/root" -name busybox -type f -exec cp {} "$box/tools/busybox" \;
fi
chmod 755 "$box/tools/bash" "$box/tools/busybox"
ln -s bash "$box/tools/sh"
for name in $names; do ln -s busybox "$box/tools/$name"; done
printf 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\nprotocols: files\nnetworks: files\n' \
	>"$box/tools/nsswitch.conf"
: >"$box/tools/empty"
# The same content gives the same bytes.
tar -C "$box/tools" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 --format=ustar -cf - . |
	gzip -9n >"$box/toolbox"
mv "$box/toolbox" "$output"
chmod 644 "$output"
