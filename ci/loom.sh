#!/usr/bin/env bash
# Runs the loom models of loom-tests/, each in its own process, two at a time.
#
#   ci/loom.sh                           two preemptions for models that are not exhaustive, one for the slowest
#   LOOM_MAX_PREEMPTIONS=3 ci/loom.sh    three for all of them
#   LOOM_MAX_DURATION=180 ci/loom.sh     no more than so many seconds for each; it says which were cut short
#   LOOM_ALL_LANES=1 ci/loom.sh          all models with lanes as well
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
export RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/loom RUST_BACKTRACE=0
models() { cargo test --release -p loom-tests "$@"; }
# A minute or two each, with two preemptions: together as long as all others.
slow=(start_races_with_close backlog_is_released_by_close event_published_elsewhere_before_close_is_received
    batch_that_races_with_close_leaves_nothing_behind)
if [ -n "${LOOM_MAX_PREEMPTIONS:-}" ]; then
    models -- --nocapture --test-threads=2
else
    # (Their floors and outcomes are those of two preemptions.)
    LOOM_MAX_PREEMPTIONS=1 RINGBUS_PROPERTY_ONLY=1 models --test closing -- --nocapture --test-threads=2 "${slow[@]}"
    export LOOM_MAX_PREEMPTIONS=2
    models -- --nocapture --test-threads=2 "${slow[@]/#/--skip=}"
fi
# Models to which the ring matters, once more for lanes; all of them if LOOM_ALL_LANES is set.
files=(--test waiting --test sealing --test draining --test lagging --test large --test retaining)
# Two minutes, most of them in the start-up log.
skip=(--skip stop_before_start_gives_no_live_event_without_the_replay --skip joiner_that_races_with_start_misses_no_retained_event)
if [ -n "${LOOM_ALL_LANES:-}" ]; then files=() skip=(); fi
RINGBUS_RING=lane models "${files[@]}" -- --nocapture --test-threads=2 "${skip[@]}"
