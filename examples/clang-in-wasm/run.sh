#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A compiler as a guest: clang and lld, 75 MB of WebAssembly from npm's @yowasp/clang, compile and
# link a C program inside Stint, which then runs the result.
#
# Ends with 3 when the package cannot be had (no npm, no network), 1 when a step fails.
set -eu

version=22.0.0-git20542-10
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${STINT_BUILD:-$root/build}
stint=${STINT:-$build/release/stint}
work=$build/examples/clang-in-wasm
module=$work/llvm.core.wasm
mkdir -p "$work"

give_up() {
    echo "$1" >&2
    exit 3
}

# The resources (headers, libraries) belong under the guest's /usr.
fetch() {
    command -v npm >/dev/null || give_up "clang-in-wasm needs npm, to fetch @yowasp/clang (26 MB)."
    echo "Fetching @yowasp/clang $version."
    rm -rf "$work/package" "$work/root"
    npm pack --silent --pack-destination "$work" "@yowasp/clang@$version" >"$work/npm.log" 2>&1 ||
        give_up "npm could not fetch @yowasp/clang: $(tail -n 1 "$work/npm.log")"
    tar -xzf "$work/yowasp-clang-$version.tgz" -C "$work"
    mkdir -p "$work/root/usr" "$work/root/tmp"
    tar -xf "$work/package/gen/llvm-resources.tar" -C "$work/root/usr"
    mv "$work/package/gen/llvm.core.wasm" "$module"
    rm -rf "$work/package" "$work/yowasp-clang-$version.tgz"
    echo "$version" >"$work/version"
}

# step TITLE COMMAND...: shows what is run in short, its output, and how long it took.
step() {
    echo "\$ $1"
    shift
    start=$(date +%s%N)
    "$@" || { echo "failed with exit code $?" >&2; exit 1; }
    took=$(($(date +%s%N) - start))
    echo "  [$((took / 1000000)) ms]"
}

[ -x "$stint" ] || { echo "There is no $stint; run make first, or set STINT." >&2; exit 1; }
[ "$(cat "$work/version" 2>/dev/null)" = "$version" ] && [ -e "$module" ] || fetch

sources=$work/src
mkdir -p "$sources"
cp "$here/primes.c" "$sources"
rm -f "$sources/primes.o" "$sources/primes.wasm"

guest() { # guest NAME ARG...: one of the tools that the module holds
    tool=$1
    shift
    "$stint" run --argv0 "$tool" --dir "$work/root::/" --dir "$sources::/src" "$module" "$@"
}

step "clang --version" guest clang --version
step "clang -O2 -c primes.c" guest clang -O2 -c /src/primes.c -o /src/primes.o
step "wasm-ld primes.o -o primes.wasm" guest wasm-ld -m wasm32 -L/usr/lib/wasm32-wasip1 \
    /usr/lib/wasm32-wasip1/crt1-command.o /src/primes.o -lc \
    /usr/lib/wasm32-unknown-wasip1/libclang_rt.builtins.a -o /src/primes.wasm
step "stint run primes.wasm 60" "$stint" run "$sources/primes.wasm" 60
