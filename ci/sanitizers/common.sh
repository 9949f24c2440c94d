# For ci/asan.sh and ci/tsan.sh to source: a compiler whose sanitizers work, and planted bugs that they must report.

# What is done ten thousands of times takes ten times as long here: ci/test.sh does it.
less_often=(--skip every_sequence_of_six_steps --skip everybody_gets_what_they_want --skip hundred_thousand_)
# The tests to which the ring matters: ci/test.sh passes all of them with both rings.
ring_matters=(batch:: closing:: conservation:: faults:: large_event:: overflow:: ring:: startup:: waiting::)

# sanitize KIND RUNTIME: sets the environment of cargo. The compiler is Debian's, because LLVM's runtimes of the same version are there as well.
sanitize() {
    local rust runtime flags
    rust=$(ci/debian-rust.sh)
    runtime=$rust/runtimes/libclang_rt.$2-x86_64.a
    flags="-Zsanitizer=$1 -Zexternal-clangrt -Clink-arg=-Wl,--export-dynamic -Clink-arg=-lm"
    flags+=" -Zpre-link-arg=-Wl,--whole-archive -Zpre-link-arg=$runtime -Zpre-link-arg=-Wl,--no-whole-archive"
    export RUSTC=$rust/rustc RUSTDOC=$rust/rustdoc RUSTC_BOOTSTRAP=1 RUSTFLAGS=$flags RUSTDOCFLAGS=$flags
    export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/$2 CARGO_BUILD_TARGET=x86_64-unknown-linux-gnu
    # Reports name lines, or functions alone if .ci/run says so; more debug information would only take time.
    export CARGO_PROFILE_DEV_DEBUG=${CARGO_PROFILE_DEV_DEBUG:-line-tables-only} CARGO_INCREMENTAL=0 RUST_BACKTRACE=0
    # Shadow memory counts as the process's: tests/soak.rs must not judge it.
    export RINGBUS_UNDER_SANITIZER=1
    symbolizer=$rust/llvm-symbolizer
}

# must_report PROGRAM REPORT: runs a planted bug and fails unless the sanitizer says so.
must_report() {
    local program=$1 expected=$2 output
    cargo build -p planted-bugs --bin "$program"
    if output=$("$CARGO_TARGET_DIR/$CARGO_BUILD_TARGET/debug/$program" 2>&1); then
        echo "$output" && echo "planted bug $program: not noticed" && exit 1
    elif ! grep --max-count=1 "$expected" <<<"$output"; then
        echo "$output" && echo "planted bug $program: it failed, but the report lacks: $expected" && exit 1
    fi
}
