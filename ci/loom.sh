#!/usr/bin/env bash
# Runs the loom models of loom-tests/, each in its own process, two at a time. LOOM_MAX_PREEMPTIONS bounds the
# preemptions of those that are not exhaustive: 2 unless set.
#
#   LOOM_ALL_LANES=1 ci/loom.sh                 all models with lanes as well
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
export RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/loom RUST_BACKTRACE=0
export LOOM_MAX_PREEMPTIONS=${LOOM_MAX_PREEMPTIONS:-2}
cargo test --release -p loom-tests -- --nocapture --test-threads=2
# Models to which the ring matters, once more for lanes; all of them if LOOM_ALL_LANES is set.
files=(--test waiting --test sealing --test draining --test lagging --test large --test retaining)
# Two minutes, most of them in the start-up log.
skip=(--skip stop_before_start_gives_no_live_event_without_the_replay --skip joiner_that_races_with_start_misses_no_retained_event)
if [ -n "${LOOM_ALL_LANES:-}" ]; then files=() skip=(); fi
RINGBUS_RING=lane cargo test --release -p loom-tests "${files[@]}" -- --nocapture --test-threads=2 "${skip[@]}"
