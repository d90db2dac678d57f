#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds a Python module as a component: tools/guest-py.sh FOLDER MODULE OUT.wasm
# FOLDER has MODULE.py and world.wit, whose one world the module is for; the packages of WASI that it
# uses are in guest/c/wit. pip brings componentize-py into a virtual environment of the build folder.
# Ends with 3 where there is no Python 3.10 or newer with venv, or no componentize-py for it.
set -eu

[ $# -eq 3 ] || { echo "usage: tools/guest-py.sh FOLDER MODULE OUT.wasm" >&2; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)
version=0.25.1
mkdir -p "$(dirname "$3")"
out=$(cd "$(dirname "$3")" && pwd)/$(basename "$3")

give_up() {
    echo "$1" >&2
    exit 3
}

python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
    give_up "Python guests need Python 3.10 or newer with venv: sudo apt-get install python3-venv"
env=${STINT_BUILD:-$root/build}/python
if ! "$env/bin/componentize-py" --version 2>/dev/null | grep -q "$version"; then
    python3 -m venv "$env"
    "$env/bin/pip" install --quiet --disable-pip-version-check "componentize-py==$version" ||
        give_up "pip could not install componentize-py $version."
fi

folder=${STINT_BUILD:-$root/build}/py/$(basename "$1")
mkdir -p "$folder"
cp "$1"/*.py "$folder"
"$root/tools/guest-wit.sh" "$1/world.wit" "$folder/wit"
cd "$folder"
"$env/bin/componentize-py" --wit-path wit componentize "$2" --output "$out"
