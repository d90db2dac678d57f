#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Compiles C to a WASI preview 1 module with Debian's packages: clang-19 lld-19 wasi-libc
# libclang-rt-19-dev-wasm32 (or libclang-rt-dev-wasm32, the builtins of clang-14, which do as well).
#
#   tools/guest-cc.sh [--size | --speed] [--reactor] -o OUT.wasm FILE.c... [clang options]
#   tools/guest-cc.sh --check      ends with 3 and says what is missing, or with 0
#   tools/guest-cc.sh --describe   one line: compiler and flags, for reports
#
# --size   -Oz, for what is shipped to devices; --speed  -O2, the default and what bench/ uses.
# Both leave names and debug sections out and use scalar wasm with bulk memory, sign extension and
# saturating float conversions: the set that every current engine has.
# GUEST_CLANG, GUEST_LD and GUEST_SYSROOT name other tools; GUEST_SYSROOT is a prefix that holds
# include/wasm32-wasi and lib/wasm32-wasi.
set -eu

sysroot=${GUEST_SYSROOT:-/usr}
clang=$(command -v "${GUEST_CLANG:-clang-19}" || true)
ld=$(command -v "${GUEST_LD:-wasm-ld-19}" || true)

builtins=
if [ -n "$clang" ]; then
    for file in "$("$clang" -print-resource-dir)/lib/wasi/libclang_rt.builtins-wasm32.a" \
        /usr/lib/llvm-*/lib/clang/*/lib/wasi/libclang_rt.builtins-wasm32.a; do
        if [ -e "$file" ]; then
            builtins=$file
            break
        fi
    done
fi

check() {
    missing=
    [ -n "$clang" ] || missing="$missing clang-19"
    [ -n "$ld" ] || missing="$missing lld-19"
    [ -e "$sysroot/lib/wasm32-wasi/libc.a" ] || missing="$missing wasi-libc"
    [ -n "$builtins" ] || missing="$missing libclang-rt-19-dev-wasm32"
    [ -z "$missing" ] && return 0
    echo "C guests need Debian packages that are not installed:$missing" >&2
    echo "To install them: sudo apt-get install$missing" >&2
    exit 3
}

features="-mbulk-memory -msign-ext -mnontrapping-fptoint -ffp-contract=off"
level=-O2
model=command

case ${1:-} in
--check)
    check
    exit 0
    ;;
--describe)
    check
    echo "$("$clang" --version | head -n 1), $level $features"
    exit 0
    ;;
esac

while [ $# -gt 0 ]; do
    case $1 in
    --size) level=-Oz ;;
    --speed) level=-O2 ;;
    --reactor) model=reactor ;;
    *) break ;;
    esac
    shift
done
if [ $# -eq 0 ]; then
    echo "usage: tools/guest-cc.sh [--size | --speed] [--reactor] -o OUT.wasm FILE.c..." >&2
    exit 2
fi
check

# The driver runs wasm-opt when it finds one on PATH, and the same source would then give another
# module on another machine (--no-wasm-opt drops the link step in clang-19). Hence an empty PATH and
# absolute names. The headers come after clang's own; the builtins by name, as either package does.
# shellcheck disable=SC2086
PATH=/nonexistent exec "$clang" --target=wasm32-wasi --sysroot="$sysroot" \
    -nostdlibinc -idirafter "$sysroot/include/wasm32-wasi" \
    -fuse-ld="$ld" -nodefaultlibs -mexec-model=$model \
    $level $features -ffunction-sections -fdata-sections \
    "$@" -lc "$builtins" -Wl,--gc-sections -Wl,--strip-all
