#!/bin/sh
# Runs every fuzz target of the module for a while. Usage: fuzz.sh DURATION
set -eu
for package in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "== $package $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${1:-1m}" "$package"
	done
done
