#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds a Rust package as a WASI preview 1 module, or as a component of WASI 0.2:
# tools/guest-rust.sh [--component] PACKAGE-FOLDER OUT.wasm
#
# With rustup: its target wasm32-wasip1, or wasm32-wasip2 for --component, which is added when it is not
# there yet. Without, and for modules only: Debian's rustc-web, cargo-web and rust-web-src build the
# standard library once (a minute) and link it with wasi-libc; nothing is written into the system's
# folders. The package's own profile decides on size.
# Ends with 3 when the toolchain is missing, with a message that says what to install.
set -eu

target=wasm32-wasip1
if [ "${1:-}" = --component ]; then
    target=wasm32-wasip2
    shift
fi
[ $# -eq 2 ] || { echo "usage: tools/guest-rust.sh [--component] PACKAGE-FOLDER OUT.wasm" >&2; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)
package=$(cd "$1" && pwd)
mkdir -p "$(dirname "$2")"
out=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
export CARGO_TARGET_DIR="${STINT_BUILD:-$root/build}/rust"

give_up() {
    echo "$1" >&2
    exit 3
}

command -v cargo >/dev/null || give_up "Rust guests need cargo: rustup (https://rustup.rs), or \
Debian's packages: sudo apt-get install rustc-web cargo-web rust-web-src lld-19 wasi-libc"

# rustup puts both into the PATH, also where no toolchain is chosen yet.
says=$(rustc --version 2>&1) || give_up "rustc does not work, it says: $(echo "$says" | head -n 1) \
(with rustup: rustup default stable)"

# A target is usable when rustc finds its standard library.
has_target() {
    libraries=$(rustc --print target-libdir --target $target 2>/dev/null) &&
        ls "$libraries"/libstd-*.rlib >/dev/null 2>&1
}

sysroot=$(rustc --print sysroot)
if ! has_target && command -v rustup >/dev/null; then
    echo "Adding rustup's target $target."
    timeout 300 rustup target add $target || echo "rustup could not add it."
fi

if has_target; then
    set --
elif [ $target = wasm32-wasip2 ]; then
    give_up "rustc has no standard library for $target: rustup target add $target"
elif [ -e "$sysroot/lib/rustlib/src/rust/library/std/Cargo.toml" ]; then
    libc=/usr/lib/wasm32-wasi
    linker=$(command -v wasm-ld-19 || true)
    [ -n "$linker" ] && [ -e $libc/libc.a ] ||
        give_up "Rust guests need a linker and a C library: sudo apt-get install lld-19 wasi-libc"
    export RUSTC_BOOTSTRAP=1
    export RUSTFLAGS="-Clink-self-contained=no -Clinker=$linker -Lnative=$libc \
-Clink-arg=$libc/crt1-command.o"
    set -- -Zbuild-std=std,panic_abort
else
    give_up "rustc has no standard library for $target: rustup target add $target, or Debian's \
packages: sudo apt-get install rustc-web cargo-web rust-web-src lld-19 wasi-libc"
fi

cargo fetch --locked --target $target --manifest-path "$package/Cargo.toml" ||
    give_up "The crates that $(basename "$package") uses could not be fetched."
cargo build --release --locked --target $target --manifest-path "$package/Cargo.toml" "$@"
name=$(sed -n 's/^name = "\(.*\)"$/\1/p' "$package/Cargo.toml" | head -n 1)
cp "$CARGO_TARGET_DIR/$target/release/$name.wasm" "$out"
