#!/usr/bin/env bash
# Runs the loom models of loom-tests/, each in its own process, two at a time. LOOM_MAX_PREEMPTIONS bounds the
# preemptions of those that are not exhaustive: 2 unless set.
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
export RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/loom RUST_BACKTRACE=0
export LOOM_MAX_PREEMPTIONS=${LOOM_MAX_PREEMPTIONS:-2}
cargo test --release -p loom-tests -- --nocapture --test-threads=2
