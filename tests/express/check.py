#!/usr/bin/env python3
"""Sends the recorded requests of cases.json to a running server and compares its verdicts with Express's.

Each case holds a request and the response of Express 4.22 with body-parser 2.4. A case passes if the server accepts or
rejects the request as Express did, with its own response format (see README.md). With --pid, decompression bombs must not
raise the peak memory of that process by more than 20 MB. Standard library only.
"""

import argparse
import json
import re
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import wire  # noqa: E402

HERE = Path(__file__).parent
# Text that a response must not contain.
LEAK = re.compile(rb"node_modules|/src/|\.rs:\d|panicked|RUST_BACKTRACE|<pre>|<html", re.IGNORECASE)
# The `error` field of responses that reject a body, by status.
BODY_ERRORS = {
    400: {"malformed_json", "malformed_body"},
    413: {"body_too_large"},
    415: {"unsupported_charset", "unsupported_encoding", "unsupported_media_type"},
}
ALL_BODY_ERRORS = set().union(*BODY_ERRORS.values())
# The `error` field of responses to a body that was read.
CODE_ERRORS = {"code_missing", "code_malformed"}
SPENT_ERRORS = {"login_code_invalid", "login_code_used"}
MAX_GROWTH_KB = 20_000
ALIVE = {
    "method": "POST",
    "path": "/login",
    "headers": [["Host", "localhost"], ["Content-Type", "application/json"], ["Content-Length", "2"]],
    "body_b64": "e30=",
}


class Failed(Exception):
    """The case failed, for the reason in the message."""


def require(condition, reason):
    if not condition:
        raise Failed(reason)


def json_object(response):
    """Returns the body as an object, or None."""
    try:
        value = json.loads(response.body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def require_json(response):
    content_type = response.header("content-type") or ""
    require(content_type.lower().startswith("application/json"), f"content-type {content_type!r}")
    require(json_object(response) is not None, f"the body is not a JSON object: {response.body[:60]!r}")


def require_error(response):
    """Requires a well-formed error response that shows no internals."""
    require(not LEAK.search(response.body), "the body shows internals or HTML")
    require_json(response)
    require(len(response.body) <= 2048, f"an error body of {len(response.body)} bytes")
    body = json_object(response)
    texts = all(isinstance(body.get(name), str) and body[name] for name in ("error", "message"))
    code = isinstance(body.get("code"), int) and body["code"] != 0
    require(texts and code, f"an error needs a code other than 0, an error and a message: {response.body[:120]!r}")


def require_success(response):
    require_json(response)
    body = json_object(response)
    require((body.get("code"), body.get("message")) == (0, "success!"), f"not a success: {response.body[:120]!r}")


def require_error_name(response, names):
    require_error(response)
    name = json_object(response)["error"]
    require(name in names, f"error {name!r}, expected one of {sorted(names)}")


def stated_statuses(case):
    """Returns the statuses that the case allows in addition to Express's."""
    status = case["contract"]["ours"].get("status", [])
    return status if isinstance(status, list) else [status]


def recorded_body(case):
    """Returns whether Express's parser read a body, and the value if it was short enough to record."""
    recorded = (case["express"].get("parsed") or [None])[0]
    try:
        return recorded is not None, json.loads(recorded) if isinstance(recorded, str) else None
    except ValueError:
        return True, None


def judge_deviation(case, wanted, response):
    """Judges a case in which the server deviates from Express on purpose."""
    allowed = stated_statuses(case) or wanted[:1]
    if 200 in allowed:  # Express accepts it: a login, or an error about the code
        allowed = [*allowed, 400, 401, 415]
    status = response.status if response else None
    require(status in allowed or not allowed and status is None, f"status {status}, expected one of {allowed}")
    if response and status >= 400 and case["contract"]["ours"].get("body") == "json-error":
        require_error(response)


def judge_accepted(case, response):
    """Judges a case that Express answered with 200: the server must read the body too."""
    if response.status == 200:
        return require_success(response)
    was_read, value = recorded_body(case)
    error = (json_object(response) or {}).get("error")
    require(error not in ALL_BODY_ERRORS - {"unsupported_media_type"}, f"rejected as {error}; Express reads {value!r}")
    code = value.get("code") if isinstance(value, dict) else None
    if isinstance(code, str) and re.fullmatch(r"[0-9A-Za-z]{32}", code):
        names = SPENT_ERRORS  # nothing is wrong with the code itself
    elif isinstance(code, str) and code or was_read and value is None:
        names = SPENT_ERRORS | CODE_ERRORS
    else:
        names = CODE_ERRORS | {"unsupported_media_type"}
    require_error_name(response, names)


def judge_post(case, wanted, response):
    status, first = response.status, wanted[0]
    if first == 200:
        judge_accepted(case, response)
    elif first in BODY_ERRORS and not case["id"].startswith("framing/"):
        require(status == first, f"status {status}, expected {first}")
        require_error_name(response, BODY_ERRORS[first])
    elif status != first:
        stated = stated_statuses(case)
        error = (json_object(response) or {}).get("error")
        require(status in stated or 200 in stated and error in SPENT_ERRORS, f"status {status}, expected {first}")


def judge(case, responses):
    """Raises Failed if the responses do not agree with the recording."""
    statuses = [response.status for response in responses]
    wanted = [response["status"] for response in case["express"]["responses"]]
    require(all(status < 500 or status in (501, 505) for status in statuses), f"status {statuses}")
    response = responses[0] if responses else None
    if case["contract"]["verdict"] in ("na", "improve"):
        return judge_deviation(case, wanted, response)
    if not wanted:
        return require(response is None, f"status {statuses}, expected no response")
    require(response is not None, f"no response, expected {wanted[0]}")
    if response.status == 400 != wanted[0] and 400 in stated_statuses(case):
        return None  # rejected by the HTTP layer, before the application: any body
    on_path = case["id"].startswith("path/") and wanted[0] != 200
    if case["method"] != "POST" or wanted[0] == 404 or on_path:
        same = response.status == wanted[0] or (wanted[0], response.status) == (200, 204)
        require(same, f"status {response.status}, expected {wanted[0]}")
        return require_error(response) if response.status >= 400 and response.body else None
    judge_post(case, wanted, response)
    count = case.get("n_responses", 1)
    if count > 1 and wanted[-1] == 200 and len(wanted) == count:
        require(len(responses) == count, f"{len(responses)} responses, expected {count}")


def peak_memory_kb(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^VmHWM:\s+(\d+)", status, re.MULTILINE)[1])


def run(case, arguments):
    """Raises Failed if the case fails."""
    is_bomb = "bomb" in case["id"]
    before = peak_memory_kb(arguments.pid) if arguments.pid and is_bomb else None
    responses = wire.exchange(arguments.host, arguments.port, case)
    try:
        judge(case, responses)
        if before is not None:
            growth = peak_memory_kb(arguments.pid) - before
            require(growth <= MAX_GROWTH_KB, f"peak memory grew by {growth} kB")
    finally:
        if not responses or is_bomb:
            alive = wire.exchange(arguments.host, arguments.port, ALIVE)
            require([response.status for response in alive] == [400], "afterwards, the server did not answer `{}` with 400")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--only", metavar="REGEX", help="run the cases whose id matches")
    parser.add_argument("--pid", type=int, help="the server's process, to watch its memory")
    arguments = parser.parse_args()
    passed = failed = 0
    for case in json.loads((HERE / "cases.json").read_text())["cases"]:
        if arguments.only and not re.search(arguments.only, case["id"]):
            continue
        try:
            run(case, arguments)
            passed += 1
        except Failed as reason:
            failed += 1
            print(f"FAILED {case['id']}: {reason}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
