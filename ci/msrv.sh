#!/usr/bin/env bash
# Checks the library alone with a real compiler of the version that Cargo.toml promises: one that is installed, or
# Debian's package of it, unpacked below target/.
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
version=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
root=${CARGO_TARGET_DIR:-$PWD/target}/msrv

compiler() {
    if command -v "rustc-$version" >/dev/null; then
        command -v "rustc-$version"
    elif rustup run "$version" rustc --version >/dev/null 2>&1; then
        rustup which --toolchain "$version" rustc
    else
        unpack >&2
        echo "$root/rustc"
    fi
}

unpack() {
    [ -x "$root/rustc" ] && return
    mkdir -p "$root/debs"
    (
        cd "$root/debs"
        apt-get update -qq
        package_version=$(apt-cache madison rustc-web | awk -v v="$version" 'index($3, v ".") == 1 { print $3; exit }')
        [ -n "$package_version" ] || { echo "no rustc-web $version to be had" && exit 1; }
        apt-get download -qq "rustc-web=$package_version" "libstd-rust-web-dev=$package_version" \
            "libstd-rust-web-$version=$package_version"
        llvm=$(apt-cache show "libstd-rust-web-$version=$package_version" | grep -o 'libllvm[0-9]*' | head -n 1)
        [ -z "$llvm" ] || apt-get download -qq "$llvm"
    )
    for package in "$root"/debs/*.deb; do dpkg-deb -x "$package" "$root/root"; done
    cat >"$root/rustc" <<WRAPPER
#!/bin/sh
LD_LIBRARY_PATH=$root/root/usr/lib/x86_64-linux-gnu exec $root/root/usr/bin/rustc "\$@"
WRAPPER
    chmod +x "$root/rustc"
}

RUSTC=$(compiler)
export RUSTC
"$RUSTC" --version
case "$("$RUSTC" --version)" in
    "rustc $version."*) ;;
    *) echo "that is not $version" && exit 1 ;;
esac
# The library alone: tests and examples may need a newer compiler.
export CARGO_TARGET_DIR=$root/build
cargo check --lib
cargo check --lib --features tokio,tracing
