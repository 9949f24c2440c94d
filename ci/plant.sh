# To be sourced: `plant_each MUTANT...` plants patches, each alone, into copies of the project, two at a
# time, and prints which of them are noticed. It fails if one lives, does not apply, does not build, or
# is not decided in time.
#
# Who sources it sets `tree`, the folder of the copies, and says how to ask, from within a copy:
#
#   build MUTANT            builds the model
#   ask MUTANT              runs it, with `timeout "$limit"`
#   is_right_death MUTANT   whether it failed as it must; what it printed is in `$log`
#   what MUTANT             a line that says what was asked

limit=${MUTANT_SECONDS:-300}
copies=("$tree/1" "$tree/2")

field() { sed -n "s/^$1: //p" "$2"; }

# Makes the copies. The manifests name all of these, whatever is built.
copy_project() {
    local copy
    rm -rf "$tree"
    for copy in "${copies[@]}"; do
        mkdir -p "$copy"
        cp -r --parents Cargo.toml Cargo.lock src tests examples benches ci/sanitizers derive lane loom-tests "$copy"
    done
}

# build_copies COMMAND...: builds in one copy, and gives the other what came out. Each has a folder of its own below
# CARGO_TARGET_DIR: cargo takes the two for the same project.
build_copies() {
    (cd "${copies[0]}" && CARGO_TARGET_DIR=$CARGO_TARGET_DIR/1 "$@")
    rm -rf "$CARGO_TARGET_DIR/2"
    cp -a "$CARGO_TARGET_DIR/1" "$CARGO_TARGET_DIR/2"
}

plant_each() {
    local copy job jobs=() lived started=$SECONDS
    mkdir "$tree/taken" "$tree/done"
    for copy in "${copies[@]}"; do
        plant_into "$copy" "$@" &
        jobs+=($!)
    done
    for job in "${jobs[@]}"; do wait "$job"; done
    lived=$(find "$tree/done" -name '*.lives' | wc -l)
    echo "mutants: $# planted, $(($# - lived)) killed, in $((SECONDS - started)) s"
    [ "$(find "$tree/done" -type f | wc -l)" -eq $# ] && [ "$lived" -eq 0 ]
}

# plant_into COPY MUTANT...: plants those that the other copy has not taken.
plant_into() {
    local copy=$1 log=$1.log mutant name verdict status before changed
    shift
    export CARGO_TARGET_DIR=$CARGO_TARGET_DIR/${copy##*/}
    for mutant in "$@"; do
        name=$(basename "$mutant" .patch)
        mkdir "$tree/taken/$name" 2>/dev/null || continue
        before=$SECONDS
        verdict=
        if ! (cd "$copy" && GIT_CEILING_DIRECTORIES=$tree git apply --unsafe-paths "$OLDPWD/$mutant") 2>"$log"; then
            verdict="DOES NOT APPLY"
        elif ! (cd "$copy" && build "$OLDPWD/$mutant") >"$log" 2>&1; then
            verdict="DOES NOT BUILD"
        else
            status=0
            (cd "$copy" && ask "$OLDPWD/$mutant") >"$log" 2>&1 || status=$?
            case $status in
                0) verdict="LIVES" ;;
                124) verdict="NOT DECIDED in $limit s" ;;
                *) is_right_death "$mutant" || verdict="DIED OF SOMETHING ELSE" ;;
            esac
            # A model that does not exist would look like one that passed.
            grep -q "running 1 test" "$log" || verdict="HAS NO MODEL"
        fi
        # As it was, and newer than what was built of it.
        for changed in $(sed -n 's/^+++ b\///p' "$mutant"); do
            cp "$changed" "$copy/$changed"
        done
        printf '%-34s %-8s %3ds  %s\n' "$name" "${verdict:-killed}" $((SECONDS - before)) "$(what "$mutant")"
        if [ -n "$verdict" ]; then
            tail -n 20 "$log"
            touch "$tree/done/$name.lives"
        else
            touch "$tree/done/$name"
        fi
    done
}
