"""The results as Markdown: `benches/RESULTS.md`, and the short table of `docs/performance.md` in both languages."""

import re
import statistics

from .machine import COMPARE, ROOT, Refused
from .results import kept

RESULTS = ROOT / "benches" / "RESULTS.md"
BY_HAND = [COMPARE / "method.md", COMPARE / "tries.md"]
REDUCED = "**Part of it is of a reduced run**, one short round on small databases, which says nothing of the goals."
MARKS = "<!-- speed: made by benches/compare/run -->", "<!-- end of speed -->"

# The short table: the peers, and the works.
PEERS = ["Express", "Fastify", "bare actix"]
PAGES = {
    ROOT / "docs" / "performance.md": {
        "": "", "Express": "Express 4", "Fastify": "Fastify 5", "bare actix": "actix-web with a fixed reply",
        "session check": "session check", "login": "login",
        "malformed JSON": "malformed JSON refused", "garbage token": "garbage token refused",
    },
    ROOT / "docs" / "zh" / "performance.md": {
        "": "", "Express": "Express 4", "Fastify": "Fastify 5", "bare actix": "返回固定内容的 actix-web",
        "session check": "校验会话", "login": "登录",
        "malformed JSON": "拒绝格式错误的 JSON", "garbage token": "拒绝无效的 token",
    },
}


def write():
    """Writes RESULTS.md from the kept results, and the short tables from it."""
    RESULTS.write_text(results())
    for page in PAGES:
        page.write_text(with_table(page))


def check():
    """Rejects a page whose table differs from RESULTS.md."""
    drifted = [str(page.relative_to(ROOT)) for page in PAGES if page.read_text() != with_table(page)]
    if drifted:
        raise Refused(f"the table in {' and '.join(drifted)} differs from {RESULTS.name}: run `benches/compare/run --report`")


def results():
    """The whole of RESULTS.md."""
    works = kept()
    order = sorted(works, key=lambda work: (not work.startswith("W"), int(work[1:]) if work[1:].isdigit() else 0))
    goals = [[work, *shown(goal)] for work in order for goal in works[work]["goals"]]
    parts = [
        "# Results",
        "Made by `benches/compare/run`, which makes it again; [method.md](compare/method.md) in it is written by hand.",
        *([REDUCED] if any(work["reduced"] for work in works.values()) else []),
        table(["", "versions"], versions(works)),
        "## Goals",
        table(["", "work", "goal", "reached", "met"], goals),
        "## Figures",
        *[part for work in order for part in figures(work, works[work])],
        *[part.read_text().strip() for part in BY_HAND if part.exists()],
    ]
    return "\n\n".join(parts) + "\n"


def shown(goal):
    """A goal's cells."""
    return [goal["what"], goal["goal"], goal["reached"], "yes" if goal["met"] else "**no**"]


def versions(works):
    """A row for each thing that has a version; several versions, if works were measured at different times."""
    found = {}
    for work in works.values():
        for name, version in work["versions"].items():
            found.setdefault(name, []).append(version)
    return [[name, ", ".join(dict.fromkeys(versions))] for name, versions in found.items()]


def figures(work, result):
    """A heading and a table for one work."""
    rows = [
        [one["what"], number(statistics.median(one["figures"])), len(one["figures"]),
         number(min(one["figures"])), number(max(one["figures"])), one["unit"],
         f"{statistics.median(one['busy']):.0%}" if one["busy"] else ""]
        for one in result["series"]
    ]
    yield f"### {work}: {result['title']}"
    option = " --reduced" if result["reduced"] else ""
    yield f"`benches/compare/run{option} {work}`, {result['when']}"
    yield table(["", "median", "of", "lowest", "highest", "", "core busy"], rows)


def number(figure):
    """Three digits at least, and thousands apart."""
    return f"{figure:,.0f}".replace(",", " ") if figure >= 100 else f"{figure:.3g}"


def table(head, rows):
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def with_table(page):
    """The page's text with the table from the figures of RESULTS.md."""
    words, reached = PAGES[page], {}
    for row in re.findall(r"^\| W\d+ \| (.+) \| [\d.]+ × (.+) \| (.+) \| .+ \|$", RESULTS.read_text(), re.MULTILINE):
        what, peer, ratio = row
        reached.setdefault(what, {})[peer] = ratio
    rows = [[words[what], *[peers.get(peer, "") for peer in PEERS]] for what, peers in reached.items()]
    made = table([words[peer] for peer in ["", *PEERS]], rows)
    before, marked, rest = page.read_text().partition(MARKS[0])
    _, ended, after = rest.partition(MARKS[1])
    if not marked or not ended:
        raise Refused(f"{page.name} has no place for the table: {' '.join(MARKS)}")
    return f"{before}{MARKS[0]}\n{made}\n{MARKS[1]}{after}"
