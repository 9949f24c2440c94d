#!/usr/bin/env bash
# Plants bugs all over the protocol, by rules (ci/protocol-mutants/), and asks the tests, shuttle,
# the fuzzer's corpus and loom which of them they notice. Prints a table, and fails if a bug is left
# that nobody has noticed and no reason is given for.
#
#   ci/protocol-mutants.sh [--all] [JOBS]      --all: asks every engine, rather than until one notices
#
# All bugs are built at once, each behind a switch. What was asked before is kept in
# target/protocol-mutants/tree/results.tsv, so a run that was stopped goes on; a change of src/ or
# of the tests begins anew. Who has noticed which bug is written to
# ci/protocol-mutants/known.tsv, to be committed: the next run asks that test first. A line there
# whose engine is `argued` says why nobody has to notice that bug.
set -euo pipefail
cd "$(dirname "$0")/.."

source ci/setup.sh
source ci/cargo-fuzz.sh
source ci/slow-tests.sh
target=${CARGO_TARGET_DIR:-$PWD/target}/protocol-mutants
tree=$target/tree
CARGO_TARGET_DIR=$target/tool cargo build --quiet --release --locked --manifest-path ci/protocol-mutants/Cargo.toml
tool=$target/tool/release/protocol-mutants

sum=$(cat $(git ls-files src tests loom-tests fuzz/src ci/protocol-mutants.sh ci/protocol-mutants |
    grep -vE 'protocol-mutants/(known.tsv|src/(engine|known|reach|results|run|table).rs)' | sort) | sha256sum)
if [ "$(cat "$tree/sum" 2>/dev/null)" != "$sum" ]; then
    rm -rf "$tree"
    mkdir -p "$tree/engines"
    cp -r --parents .cargo Cargo.toml Cargo.lock LICENSE-* README.md src tests examples benches ci/sanitizers derive lane \
        loom-tests fuzz "$tree"
    # Inlined everywhere, a thousand bugs would take hours to build.
    find "$tree/src" -name '*.rs' -exec sed -i 's/^ *#\[inline(always)\]$//; s/^ *#\[cfg_attr(.*inline(always))\]$//' {} +
    "$tool" plant "$tree"
    cd "$tree"
    # A test that a bug makes wait gives up sooner.
    sed -i 's/^pub const LONG: .*/pub const LONG: Duration = Duration::from_secs(10);/' tests/common/mod.rs
    programs() { grep -oP 'Executable.*\(\K[^)]+'; }

    export RUSTFLAGS="-Awarnings" CARGO_PROFILE_DEV_DEBUG=false CARGO_PROFILE_DEV_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_DEBUG=false
    export RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$target/build
    skip=$(printf -- '--skip %s ' "${slow_tests[@]}")
    {
        echo tests
        cargo test --features derive,lane,serde,tokio,tracing --lib --test everything --no-run 2>&1 | programs | sed "s/\$/ --test-threads=2 $skip/"
    } >engines/1-tests
    for engine in shuttle loom; do
        RUSTFLAGS="--cfg $engine -Awarnings" CARGO_TARGET_DIR=$target/build/$engine \
            cargo test --release -p loom-tests --tests --no-run 2>&1 | programs | grep -v '/loom_tests-' >"$engine"
    done
    { echo tests && sed 's/^/env RINGBUS_PROPERTY_ONLY=1 SHUTTLE_SCHEDULES=2000 /' shuttle; } >engines/2-shuttle
    {
        echo program
        for fuzzed in operations retained; do
            cargo fuzz build --sanitizer none "$fuzzed" >&2
            echo "$target/build/x86_64-unknown-linux-gnu/release/$fuzzed fuzz/corpus/$fuzzed -runs=0"
        done
    } >engines/3-fuzz
    # With one preemption a model takes a tenth of the time, or all of it, if it has no bound.
    models() { echo tests && sed "s/^/env RINGBUS_PROPERTY_ONLY=1 LOOM_MAX_PREEMPTIONS=$1 /; s/\$/ --test-threads=1/" loom; }
    models 1 >"engines/4-loom, one preemption"
    models 2 >"engines/5-loom, two preemptions"
    echo "$sum" >sum
    cd "$OLDPWD"
fi
# As they are, everything must pass; and who comes by which bug is noted.
jobs=${!#}
case $jobs in *[!0-9]*) jobs=1 ;; esac
"$tool" run "$tree" --none "$jobs"
"$tool" run "$tree" "$@"
"$tool" note "$tree"
"$tool" table "$tree"
