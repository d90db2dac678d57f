#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Fetches the public conformance suites at the commits that Stint is held to, into conformance/ (or
# the folder named by the first argument). The tests find them there. Nothing else runs this.
set -eu
cd "$(dirname "$0")/.."
to=${1:-conformance}

# folder, repository, commit, the part of it that the tests read
table() {
    cat <<'ROWS'
core-wast       https://github.com/WebAssembly/testsuite          193e551  .
component-wast  https://github.com/WebAssembly/component-model    6d28164  .
wasi-p1         https://github.com/WebAssembly/wasi-testsuite     prod/testsuite-base  tests
toml            https://github.com/toml-lang/toml-test            d168c2a  tests
http            https://github.com/nodejs/llhttp                  01e105a  test
geo             https://github.com/maxmind/MaxMind-DB             2f18851  .
ROWS
}

echo "This fetches, into $to/:"
table | while read -r folder url commit part; do echo "  $folder  $url @ $commit"; done
if [ "${YES-}" != 1 ] && [ -t 0 ]; then
    printf 'Go on? [Y/n] '
    read -r answer || answer=n
    case $answer in '' | y | Y | yes) ;; *) exit 1 ;; esac
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$to"
table | while read -r folder url commit part; do
    if [ -e "$to/$folder" ]; then
        echo "$folder: already there"
        continue
    fi
    echo "$folder: fetching"
    git clone -q --filter=blob:none --no-checkout "$url" "$scratch/$folder"
    git -C "$scratch/$folder" checkout -q "$commit"
    rm -rf "$scratch/$folder/.git"
    mv "$scratch/$folder/$part" "$to/$folder"
done
echo "core-json/ is core-wast/ converted by wast2json; the tests skip it where it is missing."
