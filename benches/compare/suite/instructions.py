"""Instruction counts by callgrind, which show a regression on the noisiest machine.

Knows how the requests before and after the counted ones cancel out. Never knows what a request does.
"""

import re
import shutil

from . import databases, servers
from .machine import BUILT, WORK, install, run
from .results import Series
from .servers import APP_ID, APP_SECRET


def instructions(pace):
    """Instructions of one request through the whole app, the access log on, counted by callgrind: all threads, no socket"""
    if not shutil.which("valgrind"):
        install("valgrind")
    shown = []
    for work, what in [("session", "one session check"), ("login", "one login")]:
        fewer, more = (counted(work, requests) for requests in (pace.counted, 2 * pace.counted))
        shown.append(Series(what, "instructions", [(more - fewer) / pace.counted]))
        print(f"  {what}: {shown[-1].figures[0]:,.0f}", flush=True)
    return shown, []


def counted(work, requests):
    """The instructions of a process that makes so many requests. WeChat is another process, and does not count."""
    said = WORK / "callgrind.log"
    with servers.wechat() as wechat:
        run("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"--log-file={said}",
            BUILT / "tools", "requests", work, requests, databases.empty("counted"), f"http://127.0.0.1:{wechat.port}", APP_ID, APP_SECRET)
    return int(re.search(r"Collected : (\d+)", said.read_text())[1])
