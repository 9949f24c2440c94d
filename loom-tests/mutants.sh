#!/usr/bin/env bash
# Tests the models: plants bugs into copies of the crate, each alone, runs the model that must catch it, and fails if
# one survives.
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
engine=loom
if [ "${1:-}" = --shuttle ]; then
    engine=shuttle
    shift
fi
tree=$target/tree-$engine
source ci/plant.sh

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
# A mutant changes a line or two: to build only what hangs on them takes a third of the time. And it dies soon: to
# optimise what is built anew for each takes several times as long as to run it as it is. (Only large events, which
# would be copied on the way, find too little stack then.)
export CARGO_INCREMENTAL=1 CARGO_PROFILE_RELEASE_DEBUG=0
optimised=(cargo test --quiet --release -p loom-tests)
plain=("${optimised[@]}")
for built_anew in ringbus ringbus-lane loom-tests; do
    plain+=(--config "profile.release.package.$built_anew.opt-level=0")
done

copy_project
echo "mutants: building the models as they are"
build_copies "${plain[@]}" --no-run

models_of() {
    case "$(file_of "$1")" in
        large) models=("${optimised[@]}" --test large) ;;
        *) models=("${plain[@]}" --test "$(file_of "$1")") ;;
    esac
}
build() { models_of "$1" && "${models[@]}" --no-run; }
ask() {
    local ring
    ring=$(field Ring "$1")
    models_of "$1"
    RINGBUS_RING=${ring:-array} timeout "$limit" "${models[@]}" -- --exact "$(field Model "$1" | cut -d ' ' -f 2)"
}
is_right_death() { grep -q "panicked at" "$log"; }
what() { field Model "$1"; }
file_of() { field Model "$1" | cut -d ' ' -f 1; }
plant_each "${mutants[@]}"
