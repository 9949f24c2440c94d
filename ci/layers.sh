#!/usr/bin/env bash
# Holds the rooms of src/ to their floors (ARCHITECTURE.md): a room imports only from rooms on lower floors, so
# there is no circle between rooms. A room is a file of src/ with the folder of its name. A room that is not in the
# list fails as well: whoever adds one says where it belongs.
#
#   ci/layers.sh [FOLDER]        src, or this one
set -euo pipefail
cd "$(dirname "$0")/.."

# room floor
floors='
lib      7
bus      6
receive  5
publish  4
error    4
gather   3
mailbox  3
event    2
stats    2
park     2
turn     2
until    2
panics   1
sync     1
'
# from to: why. Each is one arrow that the rule forbids; one that no file needs any more fails.
exceptions='
stats event: a row of statistics names the event types of its subscriber; event knows nothing of stats
stats mailbox: a row says which ring its subscriber got, and Ring is an option of mailboxes; a plain enum, no behaviour
'

root=${1:-src}
find "$root" -name '*.rs' | sort | while read -r file; do
    room=${file#"$root"/} && room=${room%%/*} && room=${room%.rs}
    echo "$file:1 $room $room"
    # Code only. `$crate` belongs to macros, and so to their own room.
    sed -e 's|^[[:space:]]*//.*||' -e 's|\$crate||g' "$file" | grep -on 'crate::[a-z_{]*' |
        sed "s|^\([0-9]*\):crate::|$file:\1 $room |" || true
done | awk -v floors="$floors" -v exceptions="$exceptions" '
    BEGIN {
        count = split(floors, lines, "\n")
        for (i = 1; i <= count; i++) if (split(lines[i], words, " ") == 2) floor[words[1]] = words[2]
        count = split(exceptions, lines, "\n")
        for (i = 1; i <= count; i++) if (match(lines[i], /^[a-z]+ [a-z]+:/)) excepted[substr(lines[i], 1, RLENGTH - 1)] = 1
    }
    $3 ~ /\{/ { print $1 ": one path for each `use`, so that this check can read it"; wrong++; next }
    { seen[$2] = 1 }
    !($2 in floor) { if (!told[$2]++) { print $1 ": on which floor is the room " $2 "? (ci/layers.sh)"; wrong++ } next }
    !($3 in floor) { if (!told[$3]++) { print $1 ": on which floor is the room " $3 "? (ci/layers.sh)"; wrong++ } next }
    $2 == $3 { next }
    { arrows++ }
    ($2 " " $3) in excepted { used[$2 " " $3] = 1; next }
    floor[$3] >= floor[$2] {
        print $1 ": " $2 " (floor " floor[$2] ") must not import from " $3 " (floor " floor[$3] ")"
        wrong++
    }
    END {
        for (arrow in excepted) if (!used[arrow]) { print "no file needs the exception any more: " arrow; wrong++ }
        for (room in floor) if (!seen[room]) { print "no such room: " room; wrong++ }
        if (arrows == 0) { print "no import found at all"; exit 1 }
        printf "layers: %d imports between rooms, %d wrong\n", arrows, wrong
        exit wrong > 0
    }
'
