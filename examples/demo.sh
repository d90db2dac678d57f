#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds the example guests from source and runs each one under Stint: what `make demo` calls.
#
# Prints each module's size, the commands, their real output and the time of the whole process. A
# guest whose toolchain is missing is left out, and named; the exit code is 1 when a guest that was
# built did not do what it should. STINT names another program, STINT_BUILD another build folder.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
build=${STINT_BUILD:-$root/build}
stint=${STINT:-$build/release/stint}
out=$build/examples
export STINT_BUILD="$build" STINT="$stint"
[ -x "$stint" ] || { echo "There is no $stint; run make first, or set STINT." >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
summary=$work/summary
: >"$summary"
failed=0

kilobytes() { # kilobytes FILE: 1 KB is 1000 bytes
    bytes=$(wc -c <"$1")
    echo "$((bytes / 1000)).$((bytes % 1000 / 100)) KB"
}

note() { # note NAME SIZE TIME TEXT: a line of the summary
    printf '  %-15s %12s %10s  %s\n' "$1" "$2" "$3" "$4" >>"$summary"
}

# begin NAME TITLE: true when the guest was built.
begin() {
    name=$1
    module=$out/$name.wasm
    took_ms=0
    bad=
    if [ ! -e "$module" ]; then
        if [ -e "$out/$name.missing" ]; then
            note "$name" - - "left out: $(head -n 1 "$out/$name.missing")"
        else
            note "$name" - - "not built: $out/$name.log"
            failed=1
        fi
        return 1
    fi
    printf '\n%s: %s, %s\n' "$name" "$2" "$(kilobytes "$module")"
}

# show SHOWN EXPECTED-EXIT-CODE INPUT COMMAND...: runs one command and prints it as SHOWN. Its time
# counts for the summary when it is the longest of this guest.
show() {
    shown=$1
    expected=$2
    input=$3
    shift 3
    echo "  \$ stint run $shown"
    code=0
    start=$(date +%s%N)
    "$stint" run "$@" <"$input" >"$work/output" 2>&1 || code=$?
    ms=$((($(date +%s%N) - start) / 1000000))
    sed 's/^/    /' "$work/output"
    if [ "$code" -eq "$expected" ]; then
        [ "$code" -eq 0 ] && echo "    [$ms ms]" || echo "    [$ms ms, exit code $code, as it should]"
    else
        echo "    [$ms ms, exit code $code; expected $expected]"
        bad=1
        failed=1
    fi
    [ "$ms" -le "$took_ms" ] || took_ms=$ms
}

# must_say TEXT: the last output holds it.
must_say() {
    grep -q -F -e "$1" "$work/output" && return 0
    echo "    [expected: $1]"
    bad=1
    failed=1
}

end() {
    note "$name" "$(kilobytes "$module")" "$took_ms ms" "${bad:+FAILED}"
}

demo_sensor() { # demo_sensor NAME TITLE
    begin "$1" "$2" || return 0
    data=$root/examples/sensor-c
    show "$1.wasm < readings.jsonl" 0 "$data/readings.jsonl" "$module"
    must_say '{"avg_temp":20.75,"status":"normal"}'
    show "$1.wasm < readings-hot.jsonl" 0 "$data/readings-hot.jsonl" "$module"
    must_say '{"avg_temp":31.78,"status":"warning"}'
    show "$1.wasm < /dev/null" 1 /dev/null "$module"
    must_say "no readings in the input"
    end
}

demo_image() {
    begin image-c "a picture drawn, blurred, its edges found (C, -Oz)" || return 0
    mkdir -p "$work/pictures"
    dir="--dir pictures::/"
    pictures=$work/pictures::/
    show "$dir image-c.wasm draw lake.ppm" 0 /dev/null --dir "$pictures" "$module" draw lake.ppm
    show "$dir image-c.wasm blur lake.ppm soft.ppm" 0 /dev/null \
        --dir "$pictures" "$module" blur lake.ppm soft.ppm
    show "$dir image-c.wasm edges soft.ppm edges.ppm" 0 /dev/null \
        --dir "$pictures" "$module" edges soft.ppm edges.ppm
    show "$dir image-c.wasm show edges.ppm" 0 /dev/null --dir "$pictures" "$module" show edges.ppm
    must_say ".:::::::."
    end
}

demo_walk() {
    begin walk-go "walks the files it was given (Go)" || return 0
    # Only what belongs to the project: the folder may hold more.
    mkdir -p "$work/tree/image-c" "$work/tree/sensor-c"
    cp "$root"/examples/image-c/image.c "$work/tree/image-c"
    cp "$root"/examples/sensor-c/sensor.c "$root"/examples/sensor-c/*.jsonl "$work/tree/sensor-c"
    show "--dir examples::/:ro walk-go.wasm" 0 /dev/null --dir "$work/tree::/:ro" "$module"
    must_say "4 files in 2 folders"
    end
}

# time_tier LABEL COMMAND...: a row of the table of tiers. What runs the guest prints the same each time.
time_tier() {
    label=$1
    shift
    code=0
    start=$(date +%s%N)
    XDG_CACHE_HOME=$work/cache "$@" >"$work/output" 2>&1 </dev/null || code=$?
    ms=$((($(date +%s%N) - start) / 1000000))
    if [ "$2" = run ]; then
        [ -e "$work/expected" ] || cp "$work/output" "$work/expected"
        cmp -s "$work/output" "$work/expected" || code=1
        [ "$ms" -le "$took_ms" ] || took_ms=$ms
    fi
    if [ "$code" -eq 0 ]; then
        printf '  %-44s %8s ms\n' "$label" "$ms"
    else
        printf '  %-44s FAILED: %s\n' "$label" "$(tail -n 1 "$work/output")"
        bad=1
        failed=1
    fi
}

demo_tiers() {
    begin mandelbrot "one program in all tiers (C, -O2)" || return 0
    rows=20000
    compiled=$work/mandelbrot.aot.wasm
    time_tier "run --tier interp: interpreted" "$stint" run --tier interp "$module" $rows
    if [ ! -e "${stint%/*}/libstint-compiler.so" ] &&
        ! XDG_CACHE_HOME=$work/cache "$stint" compile -q "$module" -o "$compiled" 2>"$work/output"; then
        echo "  [machine code is left out: $(tail -n 1 "$work/output")]"
        end
        return 0
    fi
    time_tier "run: compiled while it runs, nothing known" "$stint" run --tier jit "$module" $rows
    time_tier "run: again, from the cache" "$stint" run --tier jit "$module" $rows
    rm -rf "$work/cache"
    time_tier "compile: all of it, ahead of time" "$stint" compile -q "$module" -o "$compiled"
    time_tier "run --tier aot: what was compiled" "$stint" run --tier aot "$compiled" $rows
    echo "  Each run printed: $(cat "$work/expected")"
    end
}

# ask NAME ADDRESS EXPECTED: one request, as a proxy would pass it on for a client at ADDRESS.
ask() {
    echo "  \$ curl -H 'x-forwarded-for: $2' $url      # $1"
    curl -s -m 20 -H "x-forwarded-for: $2" "$url" >"$work/output" || true
    sed 's/^/    /' "$work/output"
    must_say "$3"
}

demo_greet() {
    begin greet-c "greets in the language of the client's country, over HTTP (C, -Oz)" || return 0
    if [ ! -e "${stint%/*}/libstint-edge.so" ] || ! command -v curl >/dev/null; then
        note greet-c "$(kilobytes "$module")" - "left out: needs libstint-edge.so and curl"
        return 0
    fi
    # Addresses that are set aside for documentation, each in another country.
    python3 "$root/tests/edge/mmdb.py" "$work/places.mmdb"
    "$stint" component new "$module" -o "$work/greet.wasm"
    start=$(date +%s%N)
    "$stint" up "$work/greet.wasm" --listen 127.0.0.1:0 --geo "$work/places.mmdb" \
        --trust-proxy 127.0.0.1 >"$work/address" 2>"$work/log" &
    server=$!
    tries=0
    until grep -q '^Serving' "$work/address" || [ $tries -ge 200 ]; do
        tries=$((tries + 1))
        sleep 0.02
    done
    took_ms=$((($(date +%s%N) - start) / 1000000))
    url=$(sed -n 's/^Serving //p' "$work/address")/
    echo "  \$ stint up greet.wasm --geo places.mmdb --trust-proxy 127.0.0.1"
    sed 's/^/    /' "$work/address"
    ask Korea 203.0.113.7 '안녕하세요!'
    ask Japan 198.51.100.7 'こんにちは!'
    ask "the United States" 192.0.2.7 'Hello!'
    kill $server 2>/dev/null || true
    wait $server || bad=1
    end
}

demo_clang() {
    code=0
    printf '\nclang-in-wasm: a C compiler and linker as one guest\n'
    "$root/examples/clang-in-wasm/run.sh" >"$work/clang" 2>"$work/clang.err" </dev/null || code=$?
    sed 's/^/  /' "$work/clang"
    if [ "$code" -eq 3 ]; then
        sed 's/^/  /' "$work/clang.err"
        note clang-in-wasm - - "left out: $(tail -n 1 "$work/clang.err")"
        return 0
    fi
    size=$(kilobytes "$out/clang-in-wasm/llvm.core.wasm")
    if [ "$code" -ne 0 ]; then
        sed 's/^/  /' "$work/clang.err"
        note clang-in-wasm "$size" - FAILED
        failed=1
        return 0
    fi
    ms=$(sed -n 's/^  \[\([0-9]*\) ms\]$/\1/p' "$work/clang" | sort -n | tail -n 1)
    note clang-in-wasm "$size" "$ms ms" ""
}

"$stint" --version | head -n 1
echo "Building the guests."
"$root/examples/build.sh" || failed=1
demo_sensor sensor-c "readings in, average and status out (C, -Oz)"
demo_sensor sensor-rust "the same in Rust with serde_json"
demo_image
demo_walk
demo_greet
demo_tiers
demo_clang

printf '\nSummary: size of the module, time of the longest run\n'
cat "$summary"
[ $failed -eq 0 ] || printf '\nSomething did not go as it should; see above.\n'
exit $failed
