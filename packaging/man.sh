#!/bin/sh
# Writes labmark(8) from what the commands say of themselves.
# Usage: man.sh BINARY VERSION
set -eu
binary=$1

help() { # as it stands, safe from roff
	echo .nf
	"$binary" "$@" --help | sed -e 's/\\/\\e/g' -e "s/^\([.']\)/\\\\\&\1/" -e 's/-/\\-/g'
	echo .fi
}

cat <<END
.TH LABMARK 8 "" "labmark $2" "System administration"
.SH NAME
labmark \- serve Markdown labs that mark themselves
.SH SYNOPSIS
.B labmark
.I COMMAND
[\fIARGUMENT\fR ...] [\fB\-\-\fIFLAG\fR ...]
.SH DESCRIPTION
END
help
echo .SH COMMANDS
for command in serve doctor rollback backup restore image node user platform grades lint test preview check new config; do
	echo ".SS labmark $command"
	help $command
done
cat <<END
.SH FILES
.TP
.I /etc/labmark/labmark.yaml
settings
.TP
.I /etc/default/labmark
courses of the service
.TP
.I /var/lib/labmark
guests, and the database unless that is PostgreSQL
.SH SEE ALSO
.I /usr/share/doc/labmark
END
