# To be sourced: `plant_each MUTANT...` plants patches, one at a time, into a copy of the project, and
# prints which of them are noticed. It fails if one lives, does not apply, does not build, or is not
# decided in time.
#
# Who sources it sets `tree`, the folder of the copy, and `log`, a file, and says how to ask:
#
#   build MUTANT            builds the model, in the copy
#   ask MUTANT              runs it, with `timeout "$limit"`
#   is_right_death MUTANT   whether it failed as it must; what it printed is in `log`
#   what MUTANT             a line that says what was asked

limit=${MUTANT_SECONDS:-300}

field() { sed -n "s/^$1: //p" "$2"; }

# Makes the copy. The manifests name all of these, whatever is built.
copy_project() {
    rm -rf "$tree"
    mkdir -p "$tree"
    cp -r Cargo.toml Cargo.lock src tests examples benches derive lane loom-tests "$tree"
}

plant_each() {
    local mutant name verdict status before changed started=$SECONDS lived=0
    for mutant in "$@"; do
        name=$(basename "$mutant" .patch)
        before=$SECONDS
        verdict=
        if ! (cd "$tree" && GIT_CEILING_DIRECTORIES=$(dirname "$tree") git apply --unsafe-paths "$OLDPWD/$mutant") 2>"$log"; then
            verdict="DOES NOT APPLY"
        elif ! (cd "$tree" && build "$OLDPWD/$mutant") >"$log" 2>&1; then
            verdict="DOES NOT BUILD"
        else
            status=0
            (cd "$tree" && ask "$OLDPWD/$mutant") >"$log" 2>&1 || status=$?
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
            cp "$changed" "$tree/$changed"
        done
        printf '%-34s %-8s %3ds  %s\n' "$name" "${verdict:-killed}" $((SECONDS - before)) "$(what "$mutant")"
        if [ -n "$verdict" ]; then
            lived=$((lived + 1))
            tail -n 20 "$log"
        fi
    done
    echo "mutants: $# planted, $(($# - lived)) killed, in $((SECONDS - started)) s"
    [ "$lived" -eq 0 ]
}
