#!/usr/bin/env bash
# Plants small bugs all over src/ (cargo-mutants) and lists those that no test notices: each has to be killed by a new test, or
# explained in .cargo/mutants.toml. It does not touch memory orderings: loom-tests/mutants.sh does.
#
#   ci/cargo-mutants.sh [ARGUMENT ...]      for cargo-mutants: `-f src/batch.rs`, `--shard 0/8`
#
# Asks the tests of tests/everything.rs: the quick ones first, and all of them for the bugs that those did not notice.
set -euo pipefail
cd "$(dirname "$0")/.."

source ci/setup.sh
source ci/slow-tests.sh
version=27.1.0
if [ "$(cargo mutants --version 2>/dev/null)" != "cargo-mutants $version" ]; then
    cargo install --locked --quiet "cargo-mutants@$version"
fi

root=${CARGO_TARGET_DIR:-$PWD/target}/cargo-mutants
tree=$root/tree
rm -rf "$tree" "$root"/mutants.out*
mkdir -p "$tree"
cp -r .cargo Cargo.lock LICENSE-* README.md derive examples lane src tests "$tree"
cd "$tree"
sed 's/^members = .*/members = ["."]/' "$OLDPWD/Cargo.toml" >Cargo.toml
printf '\n[profile.dev]\ndebug = false\n' >>Cargo.toml
# A test that a bug makes wait gives up sooner.
sed -i 's/^pub const LONG: .*/pub const LONG: Duration = Duration::from_secs(10);/' tests/common/mod.rs
export CARGO_TARGET_DIR=$root/build

# plant ARGUMENT ...: tries every bug that is not caught yet. Exit code 2: some are missed; 3: some make a test hang, which is noticed as well.
plant() {
    local code=0
    cargo mutants --in-place --output "$root" --iterate --no-shuffle --features derive,lane,serde,tokio,tracing "$@" || code=$?
    case $code in 0 | 2 | 3) ;; *) exit "$code" ;; esac
    missed=$root/mutants.out/missed.txt
}

skip=()
for name in "${slow_tests[@]}"; do skip+=(--skip "$name"); done
plant "$@" -- --lib --test everything -- "${skip[@]}"
if [ -s "$missed" ]; then
    # A bug that made a quick test hang need not be tried again.
    cat "$root/mutants.out/timeout.txt" >>"$root/mutants.out/caught.txt"
    plant "$@" -- --lib --test everything
fi
if [ -s "$missed" ]; then
    printf '\nNo test notices:\n' && cat "$missed" && exit 1
fi
