#!/usr/bin/env bash
# Tests the models: plants one bug at a time into a copy of the crate, runs the model that must catch it, and fails
# if one survives.
#
#   loom-tests/mutants.sh [--shuttle]             the core mutants, which every run takes
#   loom-tests/mutants.sh [--shuttle] --all       all of them, and the calibration of the doubles
#   loom-tests/mutants.sh [--shuttle] NAME ...    these
#
# A mutant is a patch in loom-tests/mutants/, whose head names its tier, its model, the engines that
# must find it, and the ring if it is not the array. It is killed when the property of that model
# fails: iteration floors and outcomes do not count here. One that does not apply, does not build or
# is not decided in time fails the run as well.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$PWD/target}/mutants
tree=$target/tree
limit=${MUTANT_SECONDS:-300}

field() { sed -n "s/^$1: //p" "$2"; }

engine=loom
if [ "${1:-}" = --shuttle ]; then
    engine=shuttle
    shift
fi

case "${1:-}" in
    "" | --all)
        mutants=()
        for mutant in loom-tests/mutants/*.patch; do
            if [ "${1:-}" = --all ] || [ "$(field Tier "$mutant")" = core ]; then
                case "$(field Engines "$mutant")" in *$engine*) mutants+=("$mutant") ;; esac
            fi
        done
        ;;
    *) mutants=("${@/#/loom-tests/mutants/}") && mutants=("${mutants[@]/%/.patch}") ;;
esac

export RUSTFLAGS="--cfg $engine" CARGO_TARGET_DIR=$target/$engine RUST_BACKTRACE=0
export RINGBUS_PROPERTY_ONLY=1 LOOM_MAX_PREEMPTIONS="${LOOM_MAX_PREEMPTIONS:-2}"

rm -rf "$tree"
mkdir -p "$tree"
# Only the models are built here, but the manifest names the rest.
cp -r Cargo.toml Cargo.lock src tests examples benches derive lane loom-tests "$tree"

started=$SECONDS
count=0
lived=0
echo "mutants: building the models as they are"
(cd "$tree" && cargo test --quiet --release -p loom-tests --no-run)
for mutant in "${mutants[@]}"; do
    name=$(basename "$mutant" .patch)
    read -r file model <<<"$(field Model "$mutant")"
    count=$((count + 1))
    before=$SECONDS
    verdict=
    if ! (cd "$tree" && GIT_CEILING_DIRECTORIES=$target git apply --unsafe-paths "$OLDPWD/$mutant") 2>"$target/log"; then
        verdict="DOES NOT APPLY"
    elif ! (cd "$tree" && cargo test --quiet --release -p loom-tests --test "$file" --no-run) >"$target/log" 2>&1; then
        verdict="DOES NOT BUILD"
    else
        status=0
        ring=$(field Ring "$mutant")
        (cd "$tree" && RINGBUS_RING=${ring:-array} timeout "$limit" cargo test --quiet --release -p loom-tests --test "$file" -- --exact "$model") \
            >"$target/log" 2>&1 || status=$?
        case $status in
            0) verdict="LIVES" ;;
            124) verdict="NOT DECIDED in $limit s" ;;
            *) grep -q "panicked at" "$target/log" || verdict="DIED WITHOUT A PANIC" ;;
        esac
        # A model that does not exist would look like one that passed.
        grep -q "running 1 test" "$target/log" || verdict="HAS NO MODEL $file $model"
    fi
    # As it was, and newer than what was built of it.
    for changed in $(sed -n 's/^+++ b\///p' "$mutant"); do
        cp "$changed" "$tree/$changed"
    done
    printf '%-34s %-8s %3ds  %s %s\n' "$name" "${verdict:-killed}" $((SECONDS - before)) "$file" "$model"
    if [ -n "$verdict" ]; then
        lived=$((lived + 1))
        tail -n 20 "$target/log"
    fi
done
echo "mutants: $count planted, $((count - lived)) killed, in $((SECONDS - started)) s"
[ "$lived" -eq 0 ]
