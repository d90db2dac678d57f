#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs the Debian packages that a job needs: tools/deps.sh [--check] JOB…
#
# Jobs: build, test, long (what only the long run of the tests uses), demo, bench, format. (gdb is optional: tests/system/debuggers.py skips without it.) What is there already is found by looking for the program
# or file itself, so that a compiler from elsewhere counts. The list of packages is shown; on a
# terminal there is a question first, which YES=1 skips. Installs as root or through sudo; where
# neither works, or with --check, it says what is missing and what to type, and ends with 1.
set -eu

# package, what shows that it is there (`cmd NAME`, `file PATTERN` or a case of its own), jobs that need it. The jobs
# test, demo and bench need all that build needs.
table() {
    cat <<'ROWS'
clang-19                 cmd clang-19                                                build
lld-19                   file /usr/lib/llvm-19/bin/ld.lld                            build
cmake                    cmd cmake                                                   build
ninja-build              cmd ninja                                                   build
libc6-dev                file /usr/include/stdio.h                                   build
gcc                      cmd gcc                                                     test
libclang-rt-19-dev       file /usr/lib/llvm-19/lib/clang/19/lib/linux/*fuzzer*.a     test
llvm-19                  cmd llvm-symbolizer-19                                      test
llvm-19-dev              file /usr/lib/llvm-19/include/llvm-c/Core.h                 test,demo,bench
libssl-dev               file /usr/include/openssl/evp.h                             test,demo,bench
openssl                  cmd openssl                                                 test
libcurl4-openssl-dev     file /usr/include/*/curl/curl.h                              test,demo,bench
libuv1-dev               file /usr/include/uv.h                                      test,demo,bench
libmaxminddb-dev         file /usr/include/*/maxminddb.h                              test,demo,bench
libhiredis-dev           file /usr/include/hiredis/hiredis.h                         test,demo,bench
redis-server             cmd redis-server                                            test
mosquitto                cmd mosquitto                                               test
mosquitto-clients        cmd mosquitto_sub                                           test
libsqlite3-dev           file /usr/include/sqlite3.h                                 test,demo,bench
libnghttp2-dev           file /usr/include/nghttp2/nghttp2.h                         test,demo,bench
dpkg-dev                 cmd dpkg-shlibdeps                                          test
strace                   cmd strace                                                  test
nghttp2-client           cmd h2load                                                  test,bench
wrk                      cmd wrk                                                     bench
nginx-light              cmd nginx                                                   bench
chromium                 cmd chromium                                                test
prometheus               cmd promtool                                                long
qemu-user                cmd qemu-aarch64                                            test
gcc-aarch64-linux-gnu    cmd aarch64-linux-gnu-gcc                                   test
libc6-dev-arm64-cross    file /usr/aarch64-linux-gnu/include/stdio.h                 test
musl-dev                 file /usr/lib/*-linux-musl/libc.a                           test
pkg-config               cmd pkg-config                                              test
python3                  cmd python3                                                 test,demo,bench
wasi-libc                file /usr/lib/wasm32-wasi/libc.a                            test,demo,bench
libclang-rt-19-dev-wasm32 file /usr/lib/llvm-*/lib/clang/*/lib/wasi/*builtins-wasm32.a test,demo,bench
curl                     cmd curl                                                    test,demo
ca-certificates          file /etc/ssl/certs/ca-certificates.crt                     demo
npm                      cmd npm                                                     demo
rustc-web                cmd cargo                                                   demo
cargo-web                cmd cargo                                                   demo
rust-web-src             rust-target -                                               demo
clang-format-19          cmd clang-format-19                                         format
ROWS
}

say() { echo "$*" >&2; }

present() { # present KIND WHAT
    case $1 in
    cmd) command -v "$2" >/dev/null ;;
    file)
        for path in $2; do
            [ -e "$path" ] && return 0
        done
        return 1
        ;;
    rust-target) # Debian's cargo needs the library's source; any other brings its own targets
        case $(command -v cargo) in
        '' | /usr/bin/cargo) [ -e /usr/lib/rustlib/src/rust/library/std/Cargo.toml ] ;;
        esac
        ;;
    esac
}

needs() { # needs JOBS-OF-THE-ROW: one of the wanted jobs is among them
    for job in $wanted; do
        case ",$1," in *",$job,"*) return 0 ;; esac
    done
    return 1
}

check_only=
[ "${1-}" = --check ] && { check_only=1; shift; }
[ $# -gt 0 ] || { say "usage: tools/deps.sh [--check] build|test|long|demo|bench|format…"; exit 2; }
wanted=$*
case " $wanted " in *" test "* | *" demo "* | *" bench "*) wanted="build $wanted" ;; esac

missing=$(table | while read -r package kind what jobs; do
    if needs "$jobs" && ! present "$kind" "$what"; then
        printf ' %s' "$package"
    fi
done)
missing=${missing# }
[ -n "$missing" ] || exit 0

say "Stint needs packages that are not installed: $missing"
install="apt-get install -y --no-install-recommends $missing"
give_up() {
    say "$1"
    say "To install them: sudo apt-get update && sudo $install"
    exit 1
}

command -v apt-get >/dev/null ||
    { say "This machine has no apt-get. Install the same programs with its package manager."; exit 1; }
[ -z "$check_only" ] || give_up "Nothing was installed."

if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    as_root=sudo
else
    give_up "Installing them takes root or sudo."
fi

if [ "${YES-}" != 1 ] && [ -t 0 ] && [ -t 2 ]; then
    printf 'Install them with apt-get now? [Y/n] ' >&2
    read -r answer || answer=n
    case $answer in '' | y | Y | yes) ;; *) give_up "Nothing was installed." ;; esac
fi

apt() {
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 "$@" >&2
}
known() { # apt has heard of every missing package
    for package in $missing; do
        apt-cache policy "$package" 2>/dev/null | grep -q 'Candidate: [^(]' || return 1
    done
}

known || apt update || true
known || give_up "apt-get does not know all of them: Stint is built on Debian 12 or newer."
# shellcheck disable=SC2086
apt install -y --no-install-recommends $missing ||
    { apt update && apt install -y --no-install-recommends $missing; } ||
    give_up "apt-get failed."
