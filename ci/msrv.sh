#!/usr/bin/env bash
# Checks the library alone: with a real compiler of the version that Cargo.toml promises, one that
# is installed or Debian's package of it, unpacked below target/; and for a target whose atomics
# have 32 bits at most.
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
version=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

compiler() {
    if command -v "rustc-$version" >/dev/null; then
        command -v "rustc-$version"
    elif rustup run "$version" rustc --version >/dev/null 2>&1; then
        rustup which --toolchain "$version" rustc
    else
        echo "$(ci/debian-rust.sh "$version")/rustc"
    fi
}

RUSTC=$(compiler)
export RUSTC
"$RUSTC" --version
case "$("$RUSTC" --version)" in
    "rustc $version."*) ;;
    *) echo "that is not $version" && exit 1 ;;
esac
# This one brings the source of std, so that it can build std for any target.
newest=$(ci/debian-rust.sh)
# The library alone: tests and examples may need a newer compiler.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/msrv
cargo check --lib
cargo check --lib -p ringbus-lane
cargo check --lib --features derive,lane,serde,tokio,tracing
RUSTC=$newest/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=${CARGO_TARGET_DIR%/msrv}/narrow \
    cargo check --lib -Zbuild-std=std,panic_abort --features lane,serde,tokio,tracing --target powerpc-unknown-linux-gnu
