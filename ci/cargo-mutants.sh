#!/usr/bin/env bash
# Plants small bugs all over src/ (cargo-mutants) and lists those that no test notices: each has to be killed by a new test, or
# explained in .cargo/mutants.toml. It does not touch memory orderings: loom-tests/mutants.sh does.
#
#   ci/cargo-mutants.sh [ARGUMENT ...]      for cargo-mutants: `-f src/batch.rs`, `--shard 0/8`
#
# Builds all test files as one program, so that a bug costs seconds; those that count allocations or start programs are left out.
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
version=27.1.0
if [ "$(cargo mutants --version 2>/dev/null)" != "cargo-mutants $version" ]; then
    cargo install --locked --quiet "cargo-mutants@$version"
fi

root=${CARGO_TARGET_DIR:-$PWD/target}/cargo-mutants
tree=$root/tree
rm -rf "$tree"
mkdir -p "$tree"
cp -r .cargo Cargo.lock LICENSE-* README.md src tests "$tree"
cd "$tree"
{
    echo '//! All tests in one program.'
    for file in tests/*.rs; do
        if ! grep -qE '^#\[global_allocator\]|CARGO_MANIFEST_DIR' "$file"; then
            module=$(basename "$file" .rs)
            printf '#[path = "%s"]\nmod %s;\n' "$module.rs" "$module"
        fi
    done
} >everything.rs
mv everything.rs tests
sed -e 's/^members = .*/members = ["."]/' -e 's/^autobenches = false/&\nautotests = false/' -e '/^\[\[example\]\]/,/^$/d' \
    -e 's/^name = "awaiting"/name = "everything"/' "$OLDPWD/Cargo.toml" >Cargo.toml
printf '\n[profile.dev]\ndebug = false\n' >>Cargo.toml
export CARGO_TARGET_DIR=$root/build
exec cargo mutants --in-place --output "$root" --no-shuffle --features tokio,tracing "$@" -- --lib --test everything
