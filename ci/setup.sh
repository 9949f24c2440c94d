#!/usr/bin/env bash
# Installs what the other scripts need and this machine lacks: a C linker, Rust with rustfmt and clippy. Does nothing if
# everything is there.
set -euo pipefail

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

install_packages() {
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

if ! command -v cc >/dev/null; then
    install_packages gcc libc6-dev
fi
if ! command -v git >/dev/null; then
    install_packages git
fi
if ! command -v cargo >/dev/null; then
    # Debian's newest: rustc-web follows the stable releases.
    install_packages ca-certificates rustc-web cargo-web
fi
for component in rustfmt clippy; do
    if ! cargo "${component/rustfmt/fmt}" --version >/dev/null 2>&1; then
        if command -v rustup >/dev/null; then
            rustup component add "$component"
        else
            install_packages rustfmt-web rust-web-clippy
        fi
    fi
done
cargo --version
