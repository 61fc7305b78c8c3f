"""Figures and goals of the workloads, kept between runs."""

import json
import statistics
import time
from dataclasses import asdict, dataclass, field

from .machine import WORK, versions

FILE = WORK / "results.json"


@dataclass
class Series:
    """Several measurements of one quantity, with the load of the server's core where it limits the figure."""

    name: str
    unit: str
    figures: list = field(default_factory=list)
    busy: list = field(default_factory=list)

    def median(self):
        """Returns the median of the figures."""
        return statistics.median(self.figures)


@dataclass(frozen=True)
class Goal:
    """A goal, and the figure that was reached."""

    name: str
    goal: str
    reached: str
    met: bool


def times(name, ours, other, goal):
    """Returns the goal that ours is at least `goal` times the other."""
    ratio = ours.median() / other.median()
    return Goal(name, f"{goal} × {other.name}", f"{ratio:.2f} ×", ratio >= goal)


def save(workload, reduced, series, goals):
    """Replaces the saved results of a workload."""
    results = saved()
    results[workload] = {
        "when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "reduced": reduced,
        "versions": versions(),
        "series": [asdict(one) for one in series],
        "goals": [asdict(goal) for goal in goals],
    }
    FILE.write_text(json.dumps(results, indent=1, ensure_ascii=False))


def saved():
    """Returns the last results of every workload by name."""
    return json.loads(FILE.read_text()) if FILE.exists() else {}
