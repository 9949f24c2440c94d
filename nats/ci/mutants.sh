#!/usr/bin/env bash
# Tests the model of the numbering protocol: plants one bug at a time into a copy of the package, runs
# the test of tests/numbering_model.rs that must catch it, and fails if one lives.
#
#   nats/ci/mutants.sh [NAME ...]        all, or these
#
# A mutant is a patch in nats/mutants/, whose head names its test and the property that must be
# violated. It is killed when the search finds a state in which that property does not hold: another
# property, a panic elsewhere and a state that is never reached do not count.
set -euo pipefail
cd "$(dirname "$0")/../.."

source ci/setup.sh >&2
target=${CARGO_TARGET_DIR:-$PWD/nats/target}
tree=$target/mutants
source ci/plant.sh

mutants=("${@/#/nats/mutants/}")
mutants=("${mutants[@]/%/.patch}")
[ $# -gt 0 ] || mutants=(nats/mutants/*.patch)

copy_project
for copy in "${copies[@]}"; do
    mkdir "$copy/nats"
    for part in nats/*; do
        case $part in */target | */server | */fuzz) ;; *) cp -r "$part" "$copy/nats" ;; esac
    done
done

test=(cargo test --quiet --locked --manifest-path nats/Cargo.toml --features __internals --test numbering_model)
export CARGO_TARGET_DIR=$target/mutants-build RUST_BACKTRACE=0 CARGO_INCREMENTAL=0

# What has nothing planted in it has to pass, or nothing that fails would mean anything.
build_copies "${test[@]}" >"$tree/log" 2>&1 || { tail -n 40 "$tree/log"; exit 1; }

build() { "${test[@]}" --no-run; }
ask() { timeout "$limit" "${test[@]}" -- --exact "$(field Model "$1")"; }
is_right_death() { grep -qxF "violated: $(field Property "$1")" "$log"; }
what() { field Property "$1"; }
plant_each "${mutants[@]}"
