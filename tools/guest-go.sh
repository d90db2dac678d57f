#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds a Go program as a WASI preview 1 module: tools/guest-go.sh [--reactor] PACKAGE-FOLDER OUT.wasm
# It takes Go 1.21 or newer, for --reactor (functions that the host calls) 1.24; ends with 3 where
# there is none.
set -eu

oldest=21
mode=exe
if [ "${1:-}" = --reactor ]; then
    oldest=24
    mode=c-shared
    shift
fi
[ $# -eq 2 ] || { echo "usage: tools/guest-go.sh [--reactor] PACKAGE-FOLDER OUT.wasm" >&2; exit 2; }
mkdir -p "$(dirname "$2")"
out=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")

command -v go >/dev/null || { echo "Go guests need Go 1.$oldest or newer: https://go.dev/dl" >&2; exit 3; }
version=$(go env GOVERSION)
minor=$(echo "$version" | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
if [ -n "$minor" ] && [ "$minor" -lt $oldest ]; then
    echo "Go guests need Go 1.$oldest or newer, this is $version: https://go.dev/dl" >&2
    exit 3
fi
cd "$1"
GOOS=wasip1 GOARCH=wasm exec go build -buildmode=$mode -trimpath -ldflags='-s -w' -o "$out" .
