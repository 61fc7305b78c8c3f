#!/usr/bin/env python3
"""Sends the recorded requests of log_cases.json to a running server and compares its access log with morgan 1.12's.

The log is the server's standard output in a file. Each request must write exactly one line that equals morgan's, with the
status (and its colour) and the content length of the server's own response. Times, dates and the client's address are
masked, and lines that are not of the access log are ignored. Standard library only.
"""

import argparse
import json
import re
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True

import wire  # noqa: E402

HERE = Path(__file__).parent
STATUS = r"(\d{3}|<S>)"
LENGTH = r"(\d+|<N>)"
# Where a format writes the status and the length.
FORMATS = {
    "dev": re.compile("^(.* )\x1b\\[\\d+m" + STATUS + "(\x1b\\[0m <T> ms - )" + LENGTH + "(\x1b\\[0m)$"),
    "tiny": re.compile("^(.* )" + STATUS + "( )" + LENGTH + "( - <T> ms)$"),
    "short": re.compile("^(.* )" + STATUS + "( )" + LENGTH + "( - <T> ms)$"),
    "common": re.compile('^(.*" )' + STATUS + "( )" + LENGTH + "()$"),
    "combined": re.compile(r'^(.*HTTP/1\.[01]" )' + STATUS + "( )" + LENGTH + '( ".*)$'),
}
MASKS = {
    "<T>": r"\d+\.\d{3}",
    "<CLF>": r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000",
    "<IP>": r"(?:::ffff:)?127\.0\.0\.1|::1",
}
ACCESS_LINE = re.compile(r"(POST|GET|HEAD) .* ms|HTTP/1\.")


class Log:
    """The server's standard output from now on."""

    def __init__(self, path):
        self.path = path
        self.position = path.stat().st_size

    def new_lines(self):
        """Returns the lines since the last call, once the file has stopped growing."""
        size = -1
        while self.path.stat().st_size != size:
            size = self.path.stat().st_size
            time.sleep(0.05)
        with self.path.open("rb") as file:
            file.seek(self.position)
            data = file.read()
        self.position += len(data)
        return [line for line in data.decode("utf-8", "replace").split("\n") if line]


def colour(status):
    return next((code for least, code in ((500, 31), (400, 33), (300, 36), (200, 32)) if status >= least), 0)


def expected_line(line, response, log_format):
    """Returns morgan's line with the status and the length of this server's response."""
    match = FORMATS[log_format].match(line)
    if not match or response is None:
        return line
    status = str(response.status)
    if log_format == "dev":
        status = f"\x1b[{colour(response.status)}m{status}"
    return match[1] + status + match[3] + (response.header("content-length") or "-") + match[5]


def masked(line):
    pattern = re.escape(line)
    for name, mask in MASKS.items():
        pattern = pattern.replace(re.escape(name), f"(?:{mask})")
    return re.compile(f"^{pattern}$")


def run(case, arguments, log):
    """Returns None if the case passes, else the expected line and the lines that were written."""
    steps = case.get("steps") or [{"send_b64": case["raw_b64"]} if case.get("raw_b64") else {"send_zb64": case["raw_zb64"]}]
    aborts = any(step.get("abort") for step in steps)
    request = {"method": case["method"], "raw_steps": steps, "n_responses": 0 if aborts else 1, "timeout_ms": 1500}
    responses = wire.exchange(arguments.host, arguments.port, request, linger=0.02)
    time.sleep(0.35 if case.get("steps") else 0.05)
    lines = log.new_lines()
    recorded = case["lines"][arguments.format]
    if not recorded:
        return ("no line", lines) if any(ACCESS_LINE.search(line) for line in lines) else None
    expected = expected_line(recorded[0], responses[0] if responses else None, arguments.format)
    pattern = masked(expected)
    if sum(1 for line in lines if pattern.match(line)) == 1:
        return None
    if case.get("also_ok") and any("400" in line for line in lines):
        return None
    return expected, lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", type=Path, required=True, help="the file with the server's standard output")
    parser.add_argument("--format", choices=FORMATS, default="dev")
    arguments = parser.parse_args()
    log = Log(arguments.log)
    passed = failed = 0
    for case in json.loads((HERE / "log_cases.json").read_text()):
        difference = run(case, arguments, log)
        if difference is None:
            passed += 1
        else:
            failed += 1
            print(f"FAILED {case['name']}\n  expected {difference[0]!r}\n  got      {difference[1]!r}")
    print(f"{arguments.format}: {passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
