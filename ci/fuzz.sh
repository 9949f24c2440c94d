#!/usr/bin/env bash
# Fuzzes each target of a package from its committed corpus, of which it works on a copy, two at a
# time, and prints how many runs that were. Fails on a crash, and says how to reproduce it.
#
#   ci/fuzz.sh [SECONDS]        for each target of fuzz/; 30 unless set, a quarter of it for names
#   ci/fuzz.sh SECONDS nats     for each target of nats/fuzz/
set -euo pipefail
cd "$(dirname "$0")/.."

source ci/setup.sh
source ci/cargo-fuzz.sh
seconds=${1:-30}
cd "${2:-.}"
target_directory=${CARGO_TARGET_DIR:-$PWD/target}/fuzz

# ci/lint.sh does not see it, because it is outside the workspace.
cargo fmt --manifest-path fuzz/Cargo.toml --check
CARGO_TARGET_DIR=$target_directory cargo clippy --locked --manifest-path fuzz/Cargo.toml -- -D warnings

# The compiler flags that cargo-fuzz sets are unstable ones. No sanitizer: the address sanitizer makes a run take ten times as long, and
# Debian's compiler comes without its run time; ci/asan.sh has it, and leaks are found by counting.
export RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$target_directory
cargo fuzz build --sanitizer none

fuzz() {
    local target=$1 corpus=$target_directory/corpus/$1 log=$target_directory/$1.log limit=$seconds crash
    rm -rf "$corpus"
    mkdir -p "$corpus"
    cp fuzz/corpus/"$target"/* "$corpus"
    # Names have little to explore.
    case $target in event_type | request_id) limit=$((seconds / 4)) ;; esac
    if ! cargo fuzz run --sanitizer none "$target" "$corpus" -- -max_total_time="$limit" >"$log" 2>&1; then
        grep -A 4 'panicked at' "$log" || tail -n 40 "$log"
        crash=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
        echo "$target has failed. Reproduce it, in $PWD, with"
        echo "    RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none $target ${crash:-}"
        return 1
    fi
    echo "$target: $(grep '^Done [1-9][0-9]* runs' "$log")"
}
export -f fuzz
export seconds target_directory
cargo fuzz list | xargs -n 1 -P 2 bash -euo pipefail -c 'fuzz "$1"' bash
