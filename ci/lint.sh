#!/usr/bin/env bash
# Format, clippy with and without loom, documentation without warnings, and a comment at every memory ordering.
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
cargo fmt --all --check
cargo clippy --workspace --all-targets -- -D warnings
cargo clippy --all-targets --features tracing -- -D warnings
(
    export RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/loom
    cargo clippy -p ringbus --lib --features __loom -- -D warnings
    cargo clippy -p loom-tests --all-targets -- -D warnings
)
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --features tracing
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items
ci/orderings.sh
