#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds a JavaScript package as a component: tools/guest-js.sh PACKAGE-FOLDER OUT.wasm
# npm brings the tools that its package.json names; its script `build` writes component.wasm. A
# world.wit in the package becomes wit/, with the packages of WASI in guest/c/wit. Ends with 3 where
# there is no Node.js 20 or newer.
set -eu

[ $# -eq 2 ] || { echo "usage: tools/guest-js.sh PACKAGE-FOLDER OUT.wasm" >&2; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$(dirname "$2")"
out=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")

command -v npm >/dev/null && command -v node >/dev/null ||
    { echo "JavaScript guests need Node.js 20 or newer: https://nodejs.org" >&2; exit 3; }
major=$(node --version | sed -n 's/^v\([0-9]*\).*/\1/p')
[ "${major:-0}" -ge 20 ] ||
    { echo "JavaScript guests need Node.js 20 or newer, this is $(node --version)" >&2; exit 3; }

folder=${STINT_BUILD:-$root/build}/js/$(basename "$1")
mkdir -p "$folder"
cp "$1"/package.json "$1"/*.js "$folder"
[ ! -e "$1/world.wit" ] || "$root/tools/guest-wit.sh" "$1/world.wit" "$folder/wit"
cd "$folder"
npm install --no-audit --no-fund --loglevel=error
npm run build
cp component.wasm "$out"
