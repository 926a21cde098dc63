#!/bin/sh
# Builds the fast User-Mode Linux kernel from Debian's sources.
#
#   build.sh WORK OUTPUT
#
# WORK is a folder for sources and objects, kept by a failed build so that the
# next one goes on; OUTPUT is the executable. Lines "PERCENT what" on standard
# output say how far it is; all else goes to WORK/log.
#
# The sources come from Debian's archive by a private apt configuration, which
# changes nothing of the machine's, and are verified by Debian's keys. The
# archive's address is the one that this machine's own apt uses.
set -eu

work=$1 output=$2
version=7.2
suite=trixie-backports
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$work"
work=$(cd "$work" && pwd)
log=$work/log
: > "$log"
jobs=${LABMARK_KERNEL_JOBS:-$(nproc)}

progress() { echo "$1 $2"; }
fail() { echo "kernel: $1" >&2; exit 1; }

# --- what the build needs -----------------------------------------------------
progress 0 "looking for the tools"
missing=
for package in gcc make flex bison bc libc6-dev libelf-dev libssl-dev xz-utils; do
	dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
	[ "$(id -u)" = 0 ] || fail "install these packages first: apt-get install$missing"
	progress 1 "installing$missing"
	# The lists may be older than the archive: update once if need be.
	# shellcheck disable=SC2086
	apt-get install -y --no-install-recommends $missing >> "$log" 2>&1 ||
		{ apt-get update >> "$log" 2>&1 && apt-get install -y --no-install-recommends $missing >> "$log" 2>&1; } ||
		fail "cannot install$missing, see $log"
fi

# --- the sources ----------------------------------------------------------------
fetch() {
	archive=$(apt-get indextargets --format '$(REPO_URI) $(COMPONENT) $(RELEASE)' 'Created-By: Packages' |
		awk '$2 == "main" && $3 !~ /security/ { print $1; exit }')
	[ -n "$archive" ] || fail "this machine's apt knows no Debian archive; give it one in /etc/apt/sources.list and run apt-get update"
	apt=$work/apt
	mkdir -p "$apt/lists/partial" "$apt/archives/partial"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive $suite main" > "$apt/sources.list"
	set -- -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=- \
		-o Dir::State::lists="$apt/lists" -o Dir::Cache::archives="$apt/archives" \
		-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root \
		-o Acquire::Languages=none
	progress 3 "asking the archive for linux-source-$version"
	apt-get "$@" update >> "$log" 2>&1 || fail "cannot read the archive, see $log"
	progress 5 "downloading linux-source-$version"
	(cd "$apt" && apt-get "$@" download "linux-source-$version" >> "$log" 2>&1) ||
		fail "cannot download linux-source-$version from $suite, see $log"
	progress 9 "unpacking"
	rm -rf "$work/deb" "$work/linux.part"
	dpkg-deb -x "$apt"/linux-source-"$version"_*.deb "$work/deb"
	mkdir "$work/linux.part"
	tar -C "$work/linux.part" --strip-components=1 -xf "$work/deb/usr/src/linux-source-$version.tar.xz"
	rm -rf "$work/deb" "$apt/archives" "$apt"/*.deb
	adapt "$work/linux.part"
	mv "$work/linux.part" "$work/linux"
}

# adapt changes two things in a source tree.
adapt() {
	# The static link is refused for a feature of the network card that is
	# never asked for (host names in its options).
	sed -i '/select MAY_HAVE_RUNTIME_DEPS/d' "$1/arch/um/drivers/Kconfig"
	# The serial line's throttle loses its wake-up when the host is some KB
	# ahead. Without it the line simply waits for room (chan_interrupt).
	sed -i '/\.\(un\)\{0,1\}throttle[[:space:]]*=/d' "$1/arch/um/drivers/ssl.c"
}

[ -d "$work/linux" ] || fetch

# --- the build ------------------------------------------------------------------
cd "$work/linux"
progress 14 "configuring"
make ARCH=um x86_64_defconfig >> "$log" 2>&1 || fail "cannot configure, see $log"
# What comes later in the file holds.
sed -n -e 's/^\([A-Z0-9_]*\)=y$/CONFIG_\1=y/p' -e 's/^\([A-Z0-9_]*\)=n$/# CONFIG_\1 is not set/p' "$here/config" >> .config
make ARCH=um olddefconfig >> "$log" 2>&1 || fail "cannot configure, see $log"
grep -q '^CONFIG_STATIC_LINK=y' .config || fail "this source cannot be linked statically, see $work/linux/.config"

progress 15 "compiling"
# About 1510 files are compiled; 80 of the 100 percent are theirs.
make ARCH=um -j"$jobs" linux 2>> "$log" | awk -v log_file="$log" '
	{ print >> log_file }
	$1 == "CC" || $1 == "AS" { n++; p = 15 + int(n * 80 / 1510); if (p > 95) p = 95
		if (p != last) { print p " compiling"; fflush(); last = p } }
' || true
[ -x linux ] || fail "the build failed: $(grep -i -m 1 'error' "$log"), see $log"

progress 97 "installing"
mkdir -p "$(dirname "$output")"
strip -o "$output.part" linux
"$output.part" --version >> "$log" 2>&1 || fail "the new kernel does not run, see $log"
mv "$output.part" "$output"
cp .config "$output.config"
cd "$work" && rm -rf "$work/linux"
progress 100 "$output"
