#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds the example guests from source: examples/build.sh [NAME...], all of them by default.
#
# The modules go to build/examples/NAME.wasm, the compilers' output to NAME.log beside them. Where a
# toolchain is missing it says so and goes on with the next; it ends with 1 when a build failed.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
out=${STINT_BUILD:-$root/build}/examples
mkdir -p "$out"
failed=0
all="sensor-c image-c sensor-rust walk-go greet-c greet-rust greet-go greet-js \
greet-js-wasi greet-py counter-c proxy-c mandelbrot"

build() { # build NAME COMMAND...
    name=$1
    shift
    status=0
    rm -f "$out/$name.wasm" "$out/$name.missing"
    "$@" >"$out/$name.log" 2>&1 || status=$?
    case $status in
    0) ;;
    3)
        tail -n 2 "$out/$name.log" >"$out/$name.missing"
        echo "$name: left out. $(cat "$out/$name.missing")"
        ;;
    *)
        echo "$name: the build failed:" >&2
        tail -n 30 "$out/$name.log" >&2
        failed=1
        ;;
    esac
}

build_one() {
    folder=$root/examples/$1
    case $1 in
    sensor-c) build "$1" "$root/tools/guest-cc.sh" --size -o "$out/$1.wasm" "$folder/sensor.c" ;;
    image-c) build "$1" "$root/tools/guest-cc.sh" --size -o "$out/$1.wasm" "$folder/image.c" ;;
    sensor-rust) build "$1" "$root/tools/guest-rust.sh" "$folder" "$out/$1.wasm" ;;
    walk-go) build "$1" "$root/tools/guest-go.sh" "$folder" "$out/$1.wasm" ;;
    greet-c | counter-c | proxy-c)
        kit=$root/guest/c
        program=$folder/${1%-c}.c
        [ "$1" = proxy-c ] && http= || http=$kit/stint_http.c # it speaks wasi:http itself
        # shellcheck disable=SC2086
        build "$1" "$root/tools/guest-cc.sh" --size --reactor -I"$kit" -o "$out/$1.wasm" \
            "$program" "$kit/stint_wasm.c" "$kit/stint_alloc.c" $http
        ;;
    greet-rust) build "$1" "$root/tools/guest-rust.sh" "$folder" "$out/$1.wasm" ;;
    greet-go) build "$1" "$root/tools/guest-go.sh" --reactor "$folder" "$out/$1.wasm" ;;
    greet-js | greet-js-wasi) build "$1" "$root/tools/guest-js.sh" "$folder" "$out/$1.wasm" ;;
    greet-py) build "$1" "$root/tools/guest-py.sh" "$folder" greet "$out/$1.wasm" ;;
    mandelbrot) build "$1" "$root/tools/guest-cc.sh" -o "$out/$1.wasm" "$root/bench/programs/$1.c" ;;
    *)
        echo "build.sh: no example $1; there are: $all" >&2
        exit 2
        ;;
    esac
}

# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $all
for example in "$@"; do
    build_one "$example"
done
exit $failed
