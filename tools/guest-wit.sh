#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Makes a folder of WIT as toolchains want it, from a world and what the guest kit has of WASI:
# tools/guest-wit.sh WORLD.wit FOLDER
set -eu

[ $# -eq 2 ] || { echo "usage: tools/guest-wit.sh WORLD.wit FOLDER" >&2; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$2/deps"
cp "$1" "$2"
for package in "$root"/guest/c/wit/*.wit; do
    name=$(basename "$package" .wit)
    mkdir -p "$2/deps/$name"
    cp "$package" "$2/deps/$name"
done
