"""Instruction counts by callgrind, which do not depend on how busy the machine is."""

import re
import shutil

from . import databases, servers
from .machine import BUILT, WORK, install, run
from .results import Series
from .servers import APP_ID, APP_SECRET


def instructions(pace):
    """Instructions per request through the whole app with the access log on, counted by callgrind in all threads, without sockets"""
    if not shutil.which("valgrind"):
        install("valgrind")
    all_series = []
    for request, name in [("session", "one session check"), ("login", "one login")]:
        # The difference of two runs leaves out the start and the end of the process.
        fewer, more = (counted(request, requests) for requests in (pace.counted, 2 * pace.counted))
        all_series.append(Series(name, "instructions", [(more - fewer) / pace.counted]))
        print(f"  {name}: {all_series[-1].figures[0]:,.0f}", flush=True)
    return all_series, []


def counted(request, count):
    """Returns the instructions of a process that sends `count` requests. WeChat is a separate process and is not counted."""
    output = WORK / "callgrind.log"
    with servers.wechat() as wechat:
        run("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"--log-file={output}",
            BUILT / "tools", "requests", request, count, databases.empty("counted"), f"http://127.0.0.1:{wechat.port}", APP_ID, APP_SECRET)
    return int(re.search(r"Collected : (\d+)", output.read_text())[1])
