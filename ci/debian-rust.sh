#!/usr/bin/env bash
# Unpacks a compiler from Debian's packages below target/, without installing it, and prints the directory: `rustc` and `rustdoc`
# are in it, and with the newest `llvm-cov`, `llvm-profdata`, `llvm-symbolizer` and `runtimes`.
#
#   ci/debian-rust.sh VERSION    that version: 1.85
#   ci/debian-rust.sh            the newest, with the source of std, LLVM's tools, and the runtimes of its sanitizers
set -euo pipefail
cd "$(dirname "$0")/.."

wanted=${1:-newest}
root=${CARGO_TARGET_DIR:-$PWD/target}/debian-rust/$wanted

unpack() {
    rm -rf "$root"
    mkdir -p "$root/debs"
    apt-get update -qq
    cd "$root/debs"
    package_version=$(apt-cache madison rustc-web | awk -v v="$wanted" 'v == "newest" || index($3, v ".") == 1 { print $3; exit }')
    [ -n "$package_version" ] || { echo "no rustc-web $wanted to be had" && exit 1; }
    library=libstd-rust-web-$(cut -d. -f1,2 <<<"$package_version")
    packages=("rustc-web=$package_version" "libstd-rust-web-dev=$package_version" "$library=$package_version")
    llvm=$(apt-cache show "$library=$package_version" | grep -o 'libllvm[0-9]*' | head -n 1)
    [ -z "$llvm" ] || packages+=("$llvm")
    if [ "$wanted" = newest ]; then
        packages+=("rust-web-src=$package_version" "llvm-${llvm#libllvm}" "libclang-rt-${llvm#libllvm}-dev")
    fi
    apt-get download -qq -o APT::Sandbox::User=root "${packages[@]}"
    for package in *.deb; do dpkg-deb -x "$package" "$root/root"; done
    rm -r "$root/debs"
    cd "$root"
    programs=(root/usr/bin/rustdoc root/usr/bin/rustc)
    if [ "$wanted" = newest ]; then
        programs=(root/usr/lib/llvm-*/bin/llvm-{cov,profdata,symbolizer} "${programs[@]}")
        ln -s root/usr/lib/llvm-*/lib/clang/*/lib/linux runtimes
    fi
    for program in "${programs[@]}"; do
        cat >"${program##*/}" <<WRAPPER
#!/bin/sh
LD_LIBRARY_PATH=$root/root/usr/lib/x86_64-linux-gnu exec $root/$program "\$@"
WRAPPER
        chmod +x "${program##*/}"
    done
}

[ -x "$root/rustc" ] || unpack >&2
echo "$root"
