"""What came of a work: figures, and goals met or not.

Knows how they are kept between runs. Never knows how they were measured or how they are shown.
"""

import json
import statistics
import time
from dataclasses import asdict, dataclass, field

from .machine import WORK, versions

FILE = WORK / "results.json"


@dataclass
class Series:
    """The same thing measured several times; with how busy the server's core was, where it was the bound."""

    what: str
    unit: str
    figures: list = field(default_factory=list)
    busy: list = field(default_factory=list)

    def median(self):
        """The middle figure."""
        return statistics.median(self.figures)


@dataclass(frozen=True)
class Goal:
    """What was to be reached, and what was."""

    what: str
    goal: str
    reached: str
    met: bool


def times(what, ours, other, goal):
    """Whether ours is so many times the other."""
    ratio = ours.median() / other.median()
    return Goal(what, f"{goal} × {other.what}", f"{ratio:.2f} ×", ratio >= goal)


def keep(work, title, reduced, series, goals):
    """Puts a work's results in the place of its last ones."""
    results = kept()
    results[work] = {
        "title": title,
        "when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "reduced": reduced,
        "versions": versions(),
        "series": [asdict(one) for one in series],
        "goals": [asdict(goal) for goal in goals],
    }
    FILE.write_text(json.dumps(results, indent=1, ensure_ascii=False))


def kept():
    """The last results of every work, by its name."""
    return json.loads(FILE.read_text()) if FILE.exists() else {}
