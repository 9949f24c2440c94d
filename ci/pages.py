#!/usr/bin/env python3
"""Checks what people read.

- README.md keeps to its limits: words, lines, and the width of a line.
- Numbers in the pages agree with what they cite: benches/results/RESULTS.md, the tables of
  loom-tests/ and fuzz/, the manifest. In two sections of README.md, a number that cites nothing
  fails as well.
- A name of code in ARCHITECTURE.md and CONTRIBUTING.md that links to a file is in that file.
- The GitHub workflow runs every script that .ci/run does.
- Comments in .rs files have at most 100 characters a line, except for rows of tables, and in the
  files of ci/wide.txt.

    ci/pages.py          says what is wrong, and fails
    ci/pages.py --fix    puts the right numbers into the pages, except those of README.md's table,
                         which `report` writes
"""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README_WORDS, README_LINES, README_WIDTH = 1100, 180, 110
COMMENT_WIDTH = 100


@cache
def page(path):
    return (ROOT / path).read_text(encoding="utf-8")


def tables(text):
    """The rows of each table, as dictionaries from its headings, by the heading of its section.
    A heading that stands twice in a row of headings is told apart by the one before."""
    sections, section, head = {}, "", None
    for line in text.splitlines():
        if line.startswith("#"):
            section, head = line.lstrip("# "), None
        elif not line.startswith("|"):
            head = None
        elif head is None:
            cells = split(line)
            head = [f"{before} {cell}" if cells.index(cell) != place else cell
                    for place, (before, cell) in enumerate(zip([""] + cells, cells))]
        elif not re.fullmatch(r"[|: -]+", line):
            sections.setdefault(section, []).append(dict(zip(head, split(line))))
    return sections


def split(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


# The table of README.md.

# Its columns: the section of RESULTS.md, the column there, and the rows that are meant.
COLUMNS = {
    "to 1": ("fanout: N = 1, 16 bytes", "ns per operation", {}),
    "to 4": ("fanout: N = 4, 16 bytes", "ns per operation", {}),
    "to 16": ("fanout: N = 16, 16 bytes", "ns per operation", {}),
    "to 64": ("fanout: N = 64, 16 bytes", "ns per operation", {}),
    "routed": ("routing: 50 types, 32 subscribers to 2", "ns per operation", {}),
    "filtered": ("filter: 8 subscribers to one event in 8", "ns per operation", {}),
    "to a thread": ("cross: blocking", "ns per operation", {}),
    "round trip": ("latency: parked", "p50", {}),
    "paced": ("stalled", "publish p50", {"stalled": "no"}),
}
# How a peer is called in a group in which it takes part by hand.
BY_HAND = ["", " map", " filter", " try_send"]
# No buses and no channels, and a second face of lanes.
LEFT_OUT = {"raw ArrayQueue", "rtrb", "ringbus lanes EventBus"}


def times():
    results = tables(page("benches/results/RESULTS.md"))
    marked = re.search(r"<!-- results: times -->\n(.*?)<!-- end of results -->", page("README.md"), re.S)
    rows = tables(marked[1]).get("", []) if marked else []
    if not rows:
        yield "README.md: the table `times` is missing"
    present = {next(iter(row.values())) for row in rows}
    for result in results[COLUMNS["to 1"][0]]:
        if result["contestant"] not in present | LEFT_OUT:
            yield f"README.md: the table lacks {result['contestant']}"
    for row in rows:
        contestant, *cells = row.items()
        for column, told in cells:
            if column not in COLUMNS:
                yield f"README.md: what is the column `{column}`? (ci/pages.py)"
                continue
            section, of, where = COLUMNS[column]
            name = contestant[1]
            theirs = [name + how for how in BY_HAND]
            matching = (
                result[of]
                for result in results.get(section, [])
                if result["contestant"] in theirs and where.items() <= result.items()
            )
            measured = next(matching, "–")
            if told != measured:
                yield f"README.md, {name}, {column}: {told}, but RESULTS.md has {measured}"


def charts():
    """The charts of README.md lie where the package can hold them, and are those of the results."""
    for chart in sorted((ROOT / "docs").glob("*.svg")):
        measured = ROOT / "benches/results" / chart.name
        if not measured.exists() or chart.read_bytes() != measured.read_bytes():
            yield f"docs/{chart.name} is not the one of benches/results"


# Names of code.


def names():
    """A link with a name of code leads to a file that has it."""
    for path in ["ARCHITECTURE.md", "CONTRIBUTING.md"]:
        for name, target in re.findall(r"\[`([\w:]+)`\]\(([\w/.-]+)\)", page(path)):
            if not re.search(rf"\b{name.split('::')[-1]}\b", page(target) if (ROOT / target).is_file() else ""):
                yield f"{path}: {target} has no `{name}`"


# The workflow.


def workflow():
    """Everything that .ci/run runs, the workflow runs as well, and each part of ci/long.sh."""
    steps = re.findall(r"^step (.*)", page(".ci/run"), re.M)
    parts = re.search(r"^ *set -- (.*)", page("ci/long.sh"), re.M)[1].split()
    told = page(".github/workflows/ci.yml")
    for script in steps + [f"ci/long.sh {part}" for part in parts]:
        if f'"{script}"' not in told:
            yield f".github/workflows/ci.yml lacks {script}"


# Numbers in sentences.


@cache
def models():
    return [row for row in tables(page("loom-tests/README.md"))["Models"] if "schedules" in row["loom"]]


def schedules(rows):
    return sum(int(re.search(r"([\d,]+) schedules", row["loom"])[1].replace(",", "")) for row in rows)


@cache
def lane_models():
    return [row for row in models() if row["file"] == "lane"]


@cache
def mutants():
    return tables(page("loom-tests/README.md"))["Mutants"]


def is_of_lane(mutant):
    return mutant["killed by"].startswith("lane ")


def is_found_by_shuttle(mutant):
    return mutant["shuttle finds it"] in ["yes", "alone"]


def is_found_by_loom(mutant):
    return mutant["shuttle finds it"] != "alone"


def fuzzed(target):
    rows = tables(page("fuzz/README.md"))["What was measured"]
    return next(re.match(r"[\d,]*\d", row["runs in 60 s"])[0] for row in rows if row["target"] == f"`{target}`")


def tests(folder):
    return sum(file.read_text(encoding="utf-8").count("#[test]") for file in (ROOT / folder).rglob("*.rs"))


def found(path, pattern):
    match = re.search(pattern, page(path))
    return match[1] if match else f"nothing like /{pattern}/ in {path}"


def dependencies(*arguments):
    tree = ["cargo", "tree", "--locked", "-p", "ringbus", "-e", "normal", "--prefix", "none"]
    tree += ["--target", "x86_64-unknown-linux-gnu", *arguments]
    lines = subprocess.run(tree, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return len({line.removesuffix(" (*)") for line in lines if line}) - 1


def result(section, contestant, column="ns per operation"):
    rows = tables(page("benches/results/RESULTS.md")).get(section, [])
    return next((row[column] for row in rows if row["contestant"] == contestant), "nothing")



def row(title, section, ours):
    """A row of the table of lane/README.md: a claim for each of its numbers."""
    before = rf"\| {title} \|"
    for contestant in [f"ringbus {ours}", f"ringbus lanes {ours}", "crossfire", "kanal"]:
        if ours == "batch" and "ringbus" not in contestant:
            return
        yield "lane/README.md", before + r" ([\d.,]+) \|", lambda of=contestant: result(section, of)
        before += r" [\d.,]+ \|"


# A page, a pattern whose group is the number, and what that must be.
CLAIMS = [
    ("README.md", r"it has (\d+)\sdirect", lambda: dependencies("--depth", "1")),
    ("README.md", r"dependencies,\sand (\d+) in all", lambda: dependencies()),
    ("README.md", r"\| (\d+) models", lambda: len(models())),
    ("README.md", r"models, ([\d.]+) million schedules", lambda: f"{schedules(models()) / 1e6:.1f}"),
    ("README.md", r"\| ([\d,]+) schedules of each", lambda: found("loom-tests/README.md", r"([\d,]+) schedules of")),
    ("README.md", r"\| (\d+), all caught", lambda: len(mutants())),
    ("README.md", r"\| (\d+); survivors", lambda: found("ci/README.md", r"All (\d+) bugs were planted")),
    ("README.md", r"\| ([\d.]+) % \|", lambda: found("ci/README.md", r"([\d.]+) % measured")),
    ("README.md", r"\| ([\d,]+) sequences", lambda: fuzzed("operations")),
    ("lane/README.md", r"\| (\d+), in [\d,]+ schedules", lambda: len(lane_models())),
    ("lane/README.md", r"\| \d+, in ([\d,]+) schedules", lambda: f"{schedules(lane_models()):,}"),
    ("lane/README.md", r"\| (\d+), all of them noticed", lambda: len([*filter(is_of_lane, mutants())])),
    ("lane/README.md", r"\| (\d+), and \d+ examples", lambda: tests("lane")),
    ("lane/README.md", r"\| ([\d,]+) sequences", lambda: fuzzed("lane")),
    *row("publish to one subscriber, and receive", "fanout: N = 1, 16 bytes", "Publisher"),
    *row("the same in batches of 512", "fanout: N = 1, 16 bytes", "batch"),
    *row("publish to 16 subscribers, and receive", "fanout: N = 16, 16 bytes", "Publisher"),
    *row("from thread to thread, the receiver waits", "cross: blocking", "Publisher"),
    ("loom-tests/README.md", r"Loom must find (\d+) of", lambda: len([*filter(is_found_by_loom, mutants())])),
    ("loom-tests/README.md", r"of them, shuttle (\d+):", lambda: len([*filter(is_found_by_shuttle, mutants())])),
]

# Sections of README.md in which every number cites something, and what says how it was measured.
CITING = ["How fast", "How it is checked"]
DESCRIPTIONS = [
    r"16-byte",
    r"50 types,\s32\ssubscribers\sto\s2\seach",
    r"8 subscribers",
    r"every 5 µs",
    r"to 3\ssubscribers",
    r"To 4 and more",
    r"x86-64",
]


def claims(fixes):
    wrong, texts = [], {}
    for path, pattern, source in CLAIMS:
        text = texts.get(path, page(path))
        match, right = re.search(pattern, text), str(source())
        if not match:
            wrong.append(f"{path}: nothing like /{pattern}/ (ci/pages.py)")
        elif match[1] != right:
            wrong.append(f"{path}: {match[0]!r}, but it is {right}")
            texts[path] = text[: match.start(1)] + right + text[match.end(1) :]
    if fixes:
        for path, text in texts.items():
            (ROOT / path).write_text(text, encoding="utf-8")
    return wrong


def citing_nothing():
    text = re.sub(r"<!-- results: .*?<!-- end of results -->|```.*?```|\]\([^)]*\)", "", page("README.md"), flags=re.S)
    for section in CITING:
        prose = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", text, re.S | re.M)
        if not prose:
            yield f"README.md: no section `{section}` (ci/pages.py)"
            continue
        known = [pattern for path, pattern, _ in CLAIMS if path == "README.md"] + DESCRIPTIONS
        places = [match.span() for pattern in known for match in re.finditer(pattern, prose[1])]
        for number in re.finditer(r"\d[\d.,]*", prose[1]):
            if not any(start <= number.start() < end for start, end in places):
                around = prose[1][max(0, number.start() - 30) : number.end() + 30].replace("\n", " ")
                yield f"README.md, {section}: what does {number[0]!r} cite? (…{around}…)"


# Sizes.


def words_of(text):
    """What has a letter in it: no figures, no marks of tables. Comments of HTML are not read."""
    return [word for word in re.sub(r"<!--.*?-->", "", text).split() if re.search(r"[^\W\d_]", word)]


def limits():
    text = page("README.md")
    lines = text.splitlines()
    words = len(words_of(text))
    if words > README_WORDS:
        yield f"README.md: {words} words, of {README_WORDS}"
    if len(lines) > README_LINES:
        yield f"README.md: {len(lines)} lines, of {README_LINES}"
    for number, line in enumerate(lines, 1):
        if len(line) > README_WIDTH:
            yield f"README.md:{number}: {len(line)} characters, of {README_WIDTH}"


def wide_comments():
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.rs"]
    files = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    exempt = [line for line in page("ci/wide.txt").split("\n") if line and not line.startswith("#")]
    wide = {}
    for file in filter(lambda file: (ROOT / file).exists(), files):
        for number, line in enumerate(page(file).splitlines(), 1):
            comment = line.lstrip()
            is_row = comment.lstrip("/! ").startswith("|")
            if len(line) > COMMENT_WIDTH and comment.startswith("//") and not is_row:
                wide.setdefault(file, f"{file}:{number}: a comment of {len(line)} characters, of {COMMENT_WIDTH}")
    yield from (told for file, told in wide.items() if file not in exempt)
    yield from (f"ci/wide.txt: {file} has no wide comment any more" for file in exempt if file not in wide)


def main():
    fixes = sys.argv[1:] == ["--fix"]
    if sys.argv[1:] and not fixes:
        sys.exit(__doc__)
    wrong = [*limits(), *times(), *charts(), *names(), *workflow(), *claims(fixes), *citing_nothing(), *wide_comments()]
    words = len(words_of(page("README.md")))
    summary = f"pages: {words} words in README.md, {len(CLAIMS)} numbers and a table, {len(wrong)} faults"
    print("\n".join([*wrong, summary]))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
