#!/usr/bin/env bash
# Runs the loom models of loom-tests/, each in its own process, two at a time.
#
#   ci/loom.sh                           two preemptions for models that are not exhaustive, one for the six slowest
#   LOOM_MAX_PREEMPTIONS=3 ci/loom.sh    three for all of them
#   LOOM_MAX_DURATION=180 ci/loom.sh     no more than so many seconds for each; it says which were cut short
#   LOOM_ALL_LANES=1 ci/loom.sh          all models with lanes as well
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
export RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/loom RUST_BACKTRACE=0

# A minute or more each, with two preemptions: together longer than all others.
slowest="start_races_with_close|backlog_is_released_by_close|event_published_elsewhere_before_close_is_received"
slowest+="|batch_that_races_with_close_leaves_nothing_behind|large_events_that_race_are_received_or_dropped"
slowest+="|stop_before_start_gives_no_live_event_without_the_replay"
# Half a minute each: they come first, so that none is left alone at the end.
slow="event_published_during_start_is_received_once|drain_does_not_wait_for_what_comes_into_a_sealed_ring"
slow+="|joiner_that_races_with_start_misses_no_retained_event|event_published_before_close_is_received"
slow+="|publishers_race_with_start|parked_subscriber_wakes_for_an_event|$slowest"
# To these the ring matters; two of them take a minute each with lanes, most of it in the start-up log.
with_lanes="waiting|sealing|draining|lagging|large|retaining"
without_lanes="stop_before_start_gives_no_live_event_without_the_replay|joiner_that_races_with_start_misses_no_retained_event"

# Prints a line for each model: its ring, its program, its name.
list() {
    local program model
    for program in "$@"; do
        for model in $("$program" --list --format terse | sed -n 's/: test$//p'); do
            echo "array $program $model"
            if [ -n "${LOOM_ALL_LANES:-}" ]; then
                echo "lane $program $model"
            elif [[ ${program##*/} =~ ^($with_lanes)- ]] && ! [[ $model =~ ^($without_lanes)$ ]]; then
                echo "lane $program $model"
            fi
        done
    done
}

explore() {
    local ring=$1 program=$2 model=$3 output
    # (The floors and outcomes of the slowest are those of two preemptions.)
    if [ -z "${LOOM_MAX_PREEMPTIONS:-}" ] && [[ $model =~ ^($slowest)$ ]]; then
        export LOOM_MAX_PREEMPTIONS=1 RINGBUS_PROPERTY_ONLY=1
    fi
    if output=$(RINGBUS_RING=$ring "$program" --exact "$model" --nocapture 2>&1) && grep -q '^test result: ok. 1 passed' <<<"$output"; then
        sed -n "s/.*\($model: .* schedules, .*\)/$ring, \1/p" <<<"$output"
    else
        printf '%s\n%s fails, with RINGBUS_RING=%s\n' "$output" "$model" "$ring"
        # No other one is begun.
        return 255
    fi
}
export -f explore
export slowest

cargo test --release -p loom-tests --no-run
programs=$(cargo test --release -p loom-tests --no-run 2>&1 | sed -n 's/^ *Executable .*(\(.*\))$/\1/p')
jobs=$(list $programs)
{
    grep -E " ($slow)$" <<<"$jobs"
    grep -vE " ($slow)$" <<<"$jobs"
} | xargs -P 2 -L 1 bash -euo pipefail -c 'explore "$@"' bash
echo "loom: $(wc -l <<<"$jobs") passed, 0 failed"
