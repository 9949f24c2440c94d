#!/usr/bin/env bash
# Tests the model of the numbering protocol: plants one bug at a time into a copy of the package, runs
# the test of tests/numbering_model.rs that must catch it, and fails where one lives.
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
limit=${MUTANT_SECONDS:-300}

field() { sed -n "s/^$1: //p" "$2"; }

mutants=("${@/#/nats/mutants/}")
mutants=("${mutants[@]/%/.patch}")
[ $# -gt 0 ] || mutants=(nats/mutants/*.patch)

rm -rf "$tree"
mkdir -p "$tree/nats"
# Only the model is built here, but the manifests name the rest.
cp -r Cargo.toml Cargo.lock src tests examples benches derive lane loom-tests "$tree"
for part in nats/*; do
    case $part in */target | */server | */fuzz) ;; *) cp -r "$part" "$tree/nats" ;; esac
done

test=(cargo test --quiet --locked --manifest-path "$tree/nats/Cargo.toml" --features __internals --test numbering_model)
export CARGO_TARGET_DIR=$target RUST_BACKTRACE=0 CARGO_INCREMENTAL=0

started=$SECONDS
lived=0
log=$target/mutants.log
# What has nothing planted in it has to pass, or nothing that fails would mean anything.
"${test[@]}" >"$log" 2>&1 || { tail -n 40 "$log"; exit 1; }
for mutant in "${mutants[@]}"; do
    name=$(basename "$mutant" .patch)
    model=$(field Model "$mutant")
    property=$(field Property "$mutant")
    before=$SECONDS
    verdict=
    if ! (cd "$tree" && GIT_CEILING_DIRECTORIES=$target git apply --unsafe-paths "$OLDPWD/$mutant") 2>"$log"; then
        verdict="DOES NOT APPLY"
    elif ! "${test[@]}" --no-run >"$log" 2>&1; then
        verdict="DOES NOT BUILD"
    else
        status=0
        timeout "$limit" "${test[@]}" -- --exact "$model" >"$log" 2>&1 || status=$?
        case $status in
            0) verdict="LIVES" ;;
            124) verdict="NOT DECIDED in $limit s" ;;
            *) grep -qxF "violated: $property" "$log" || verdict="DIED OF SOMETHING ELSE" ;;
        esac
        # A test that does not exist would look like one that passed.
        grep -q "running 1 test" "$log" || verdict="HAS NO MODEL $model"
    fi
    # As it was, and newer than what was built of it.
    for changed in $(sed -n 's/^+++ b\///p' "$mutant"); do
        cp "$changed" "$tree/$changed"
    done
    printf '%-32s %-8s %3ds  %s\n' "$name" "${verdict:-killed}" $((SECONDS - before)) "$property"
    if [ -n "$verdict" ]; then
        lived=$((lived + 1))
        tail -n 20 "$log"
    fi
done
echo "mutants: ${#mutants[@]} planted, $((${#mutants[@]} - lived)) killed, in $((SECONDS - started)) s"
[ "$lived" -eq 0 ]
