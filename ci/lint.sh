#!/usr/bin/env bash
# Format, typos and dead links, clippy for each engine of the models, documentation without warnings,
# a comment at every memory ordering, the floors of src/, and what the pages say.
set -euo pipefail
cd "$(dirname "$0")/.."

source ci/setup.sh
command -v python3 >/dev/null || install_packages python3
target=${CARGO_TARGET_DIR:-target}
cargo fmt --all --check
cargo fmt --manifest-path ci/protocol-mutants/Cargo.toml --check
"$(ci/tools.sh)/typos"
git ls-files --cached --others --exclude-standard '*.md' | xargs grep -oP '\]\(\K[^)# ]+' | grep -v ':https\?:' |
    while IFS=: read -r page link; do
        [ -e "$(dirname "$page")/$link" ] || { echo "$page: no such file: $link" && exit 1; }
    done
# Apart from the others, whose features it would get.
cargo clippy --all-targets -- -D warnings
cargo clippy --workspace --exclude ringbus --all-targets -- -D warnings
cargo clippy --all-targets --features derive,lane,serde,tokio,tracing -- -D warnings
for engine in loom shuttle; do
    export RUSTFLAGS="--cfg $engine" CARGO_TARGET_DIR="$target/$engine"
    cargo clippy -p ringbus --lib --features "__$engine" -- -D warnings
    cargo clippy -p ringbus-lane --lib --features "__$engine" -- -D warnings
    cargo clippy -p loom-tests --all-targets -- -D warnings
done
unset RUSTFLAGS
export CARGO_TARGET_DIR=$target
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --package ringbus-derive
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items -p ringbus-lane
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --features derive,lane,serde,tokio,tracing
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items --features derive,lane,serde,tokio,tracing
# As docs.rs builds it, with badges for features.
RUSTC_BOOTSTRAP=1 RUSTDOCFLAGS="-D warnings --cfg docsrs" CARGO_TARGET_DIR=$target/docsrs \
    cargo doc --no-deps --features derive,lane,serde,tokio,tracing
ci/orderings.sh
ci/layers.sh
ci/pages.py

# No file of tests/ is left out: cargo does not look for them.
run=$(sed -n 's/^mod \(.*\);$/\1/p' tests/everything.rs && sed -n '/^\[\[test\]\]$/{n;s/^name = "\(.*\)"$/\1/p}' Cargo.toml)
for file in tests/*.rs; do
    grep -qx "$(basename "$file" .rs)" <<<"$run" || { echo "no program runs $file" && exit 1; }
done

# The mutants apply, and the tables of loom-tests/README.md have them and the models.
for mutant in loom-tests/mutants/*.patch; do
    git apply --check "$mutant" || { echo "$mutant does not apply" && exit 1; }
    grep -q "\`$(basename "$mutant" .patch)\`" loom-tests/README.md || { echo "loom-tests/README.md lacks $mutant" && exit 1; }
done
for model in $(sed -n 's/^fn \([a-z_]*\)() {$/\1/p' loom-tests/tests/*.rs); do
    grep -q "\`$model\`" loom-tests/README.md || { echo "loom-tests/README.md lacks the model $model" && exit 1; }
done
