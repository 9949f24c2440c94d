#!/usr/bin/env bash
# What comes in and what goes out: dependencies with licences and sources that are allowed, none that is unused, lower bounds that are
# true; each feature and each pair of them; a package that holds what it should and publishes without a warning.
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
tools=$(ci/tools.sh)
PATH=$tools:$PATH
build=${CARGO_TARGET_DIR:-$PWD/target}
root=$build/supply
# The features that are for this project's own checks alone.
hidden=$(sed -n 's/^\(__[a-z]*\) = .*/\1/p' Cargo.toml | paste -sd,)

# What comes in. Advisories are left out: cargo-deny fetches their database from where not every machine may go.
cargo deny check --hide-inclusion-graph licenses bans sources
cargo shear
(
    cd nats
    cargo deny check --hide-inclusion-graph licenses bans sources
    cargo shear
)
# (ci/lint.sh has all of them at once.)
cargo hack clippy --locked --package ringbus --lib --feature-powerset --depth 2 --exclude-features "$hidden,default" -- -D warnings

# What goes out. On a clean clone, nothing is dirty; elsewhere, what will be committed is judged.
diff --label expected --label packaged \
    <({
        git ls-files --cached --others --exclude-standard docs src examples tests
        printf '%s\n' .cargo_vcs_info.json ARCHITECTURE.md CHANGELOG.md Cargo.lock Cargo.toml Cargo.toml.orig \
            LICENSE-APACHE LICENSE-MIT README.md SECURITY.md
    } | LC_ALL=C sort) \
    <(cargo package --package ringbus --list --allow-dirty --quiet | LC_ALL=C sort)
cargo publish --package ringbus-derive --package ringbus-lane --package ringbus --dry-run --allow-dirty 2>&1 | tee "$root.log"
if grep '^warning' "$root.log" | grep -v 'aborting upload due to dry run'; then
    echo "publishing must not warn" && exit 1
fi

# The package as those see it who depend on it: nothing of a feature that is off enters their lock file, and the lowest versions
# that its manifest allows are enough.
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
rm -rf "$root"
mkdir -p "$root/user/src"
cp -r "$build/package/ringbus-$version" "$root/ringbus"
for companion in derive lane; do
    cp -r "$build/package/ringbus-$companion-$version" "$root/ringbus/$companion"
done
touch "$root/user/src/lib.rs"
cat >"$root/user/Cargo.toml" <<MANIFEST
[package]
name = "user"
[dependencies]
ringbus.path = "../ringbus"
[workspace]
MANIFEST
cargo generate-lockfile --quiet --manifest-path "$root/user/Cargo.toml"
for optional in $(sed -n 's/^\([a-z-]*\) = .*optional = true.*/\1/p' Cargo.toml); do
    if grep -q "^name = \"$optional\"$" "$root/user/Cargo.lock"; then
        echo "$optional is optional, but in the lock file of those who did not ask for it" && exit 1
    fi
done
(
    cd "$root/ringbus"
    rm Cargo.lock
    # The companions of this version may not be published yet; as members, their lower bounds count as well.
    printf '\n[workspace]\nmembers = ["derive", "lane"]\n\n[patch.crates-io]\n' >>Cargo.toml
    printf 'ringbus-%s.path = "%s"\n' derive derive lane lane >>Cargo.toml
    RUSTC_BOOTSTRAP=1 cargo hack --remove-dev-deps generate-lockfile -Zdirect-minimal-versions
    # Each alone, none, and all.
    cargo hack check --locked --lib --each-feature --exclude-features "$hidden,default"
    cargo check --locked --lib --features derive,lane,serde,tokio,tracing
)
# So do those of the bridge, which is not packaged: a copy.
mkdir "$root/ringbus/nats"
cp -r nats/{Cargo.toml,README.md,src,tests,examples} "$root/ringbus/nats"
(
    cd "$root/ringbus/nats"
    RUSTC_BOOTSTRAP=1 cargo hack --remove-dev-deps generate-lockfile -Zdirect-minimal-versions
    cargo check --locked --lib --no-default-features
    cargo check --locked --lib --features postcard
)
echo "supply: all well"
