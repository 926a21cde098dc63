#!/bin/sh
# Runs every fuzz target of the module for a while. Usage: fuzz.sh DURATION
set -eu
for package in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "== $package $target"
		# Making an input smaller may otherwise take a minute of its own.
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${1:-1m}" -fuzzminimizetime 1x "$package"
	done
done
