#!/usr/bin/env python3
"""Tests a gateway: gateway.py NAME GATEWAY-PORT SERVER-PORT BACKEND-LOG [--openid]"""

import itertools
import json
import sys
from http.client import HTTPConnection

name, gateway, server, log = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
openid_is_sent = "--openid" in sys.argv


def spellings(header):
    """Returns a header in every case and with every separator that a WSGI server treats as equal."""
    words = header.split("-")
    cases = [str, str.lower, str.upper, str.swapcase]
    for case, separators in itertools.product(cases, itertools.product("-_", repeat=len(words) - 1)):
        yield case(words[0] + "".join(map("".join, zip(separators, words[1:]))))


IDENTITY = ["X-User-Id", "X-App", "X-Openid"]
FORGED = [(spelling, "forged") for header in IDENTITY for spelling in spellings(header)]


def send(method, path, token=None, body=None, headers=(), port=gateway):
    """Sends a request whose headers are a list of pairs, in which a name may occur twice."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest(method, path)
    headers = list(headers)
    if token:
        headers.append(("Authorization", f"Bearer {token}"))
    if body is not None:
        headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    for header, value in headers:
        connection.putheader(header, value)
    connection.endheaders((body or "").encode())
    response = connection.getresponse()
    text = response.read().decode()
    return response, (json.loads(text) if text else None)


def received():
    """Returns the number of requests that the backend received."""
    return len(open(log).read().splitlines()) - 1


def equal(got, expected, description):
    if got != expected:
        sys.exit(f"{name}: {description}: expected {expected!r}, got {got!r}")
    print(f"ok   {name}: {description}")


def check_identity(seen, description):
    """Checks the headers that the backend received, by their WSGI names."""
    sent = seen["headers"]
    equal(sent.get("HTTP_X_USER_ID"), user, f"{description}: the backend gets the user id")
    equal(sent.get("HTTP_X_APP"), app, f"{description}: the backend gets the AppID")
    equal("HTTP_X_OPENID" in sent, openid_is_sent, f"{description}: the backend gets the openid: {openid_is_sent}")
    equal([value for value in sent.values() if "forged" in value], [], f"{description}: no forged header passes")


response, login = send("POST", "/login", body='{"code":"the code is a mock one"}')
equal(response.status, 200, "a login goes through the gateway")
token, user = login["data"]["token"], login["data"]["user"]["id"]
app = send("GET", "/auth", token, port=server)[0].getheader("X-App")

for case, headers in [("no token", []), ("garbage", [("Authorization", "Bearer x")]), ("forged headers", FORGED)]:
    for method, body in [("GET", None), ("POST", "a body")]:
        response, error = send(method, "/notes", headers=headers, body=body)
        equal((response.status, error["error"]), (401, "session_required"), f"{method} with {case} is rejected by weapp-login")
        equal(response.getheader("Content-Type"), "application/json; charset=utf-8", "the error is JSON")
        equal(response.getheader("Cache-Control"), "no-store", "the error is not cached")
equal(received(), 0, "none of them reached the backend")

response, seen = send("POST", "/notes?page=2", token, body="a body", headers=FORGED)
equal((response.status, seen["method"], seen["path"], seen["body"]), (200, "POST", "/notes?page=2", "a body"), "a request with a token passes")
check_identity(seen, "all spellings at once")
equal("HTTP_AUTHORIZATION" in seen["headers"], False, "the token does not pass")
for forged in FORGED:
    check_identity(send("GET", "/", token, headers=[forged])[1], f"`{forged[0]}` forged")
check_identity(send("GET", "/", token, headers=[("X-User-Id", "forged"), ("X-User-Id", "forged")])[1], "a header forged twice")
# A proxy removes the headers that `Connection` lists, and must not remove its own.
for listed in IDENTITY:
    check_identity(send("GET", "/", token, headers=[("Connection", f"close, {listed}")])[1], f"`Connection: {listed}`")

big = "x" * 500_000
response, seen = send("PUT", "/notes/1", token, body=big)
equal((response.status, len(seen["body"])), (200, len(big)), "a large body reaches the backend")
for method in ["GET", "DELETE", "OPTIONS", "PATCH"]:
    response, seen = send(method, "/notes/1", token)
    equal((response.status, seen["method"], seen["path"]), (200, method, "/notes/1"), f"a {method} reaches the backend")
for status in [401, 500]:
    response, seen = send("GET", f"/status/{status}", token)
    equal((response.status, seen["path"]), (status, f"/status/{status}"), f"the backend's own {status} passes unchanged")
response, _ = send("POST", "/introspect", body="token=x", token=token)
equal(response.getheader("X-Request-Id"), None, "POST /introspect goes to the backend, not to weapp-login")
equal(send("GET", "/metrics")[0].status, 401, "GET /metrics goes there too, so it needs a session")

response, error = send("GET", "/avatars/none.jpg")
equal((response.status, error["error"]), (404, "not_found"), "a picture needs no token, and is not in the backend")
if name == "nginx":
    response, error = send("PUT", "/user/avatar", token, body="x" * 1_500_000)
    equal(bool(response.getheader("X-Request-Id") and error["error"]), True, "an upload of 1.5 MB reaches weapp-login")

PAGE = "https://h5.example.com"
if name in ("nginx", "caddy"):
    before = received()
    for origin, expected in [(PAGE, (200, PAGE)), ("https://evil.example.com", (400, None))]:
        headers = [("Origin", origin), ("Access-Control-Request-Method", "PUT")]
        response, _ = send("OPTIONS", "/notes/1", headers=headers)
        got = (response.status, response.getheader("Access-Control-Allow-Origin"))
        equal(got, expected, f"weapp-login answers the preflight of {origin}")
    send("GET", "/notes/1", headers=[("Origin", PAGE), ("Access-Control-Request-Method", "PUT")])
    equal(received(), before, "no preflight reaches the backend, and no other method is one")
    response, _ = send("GET", "/notes/1", headers=[("Origin", PAGE)])
    got = (response.status, response.getheader("Access-Control-Allow-Origin"))
    equal(got, (401, PAGE), "a listed page can read the error")
if name == "nginx":
    response, _ = send("GET", "/notes/1", token, headers=[("Origin", PAGE)])
    got = (response.status, response.getheader("Access-Control-Allow-Origin"))
    equal(got, (200, PAGE), "a listed page can read the backend's reply")
    response, _ = send("GET", "/notes/1", token)
    equal(response.getheader("Access-Control-Allow-Origin"), None, "without an Origin there is no permission")

before = received()
for path in ["/login/../notes", "/session/../notes", "//notes", "/auth/../notes", "/%6cogin/../notes", "/session/%2e%2e/notes"]:
    send("GET", path, headers=FORGED)
equal(received(), before, "no path leads to the backend without a session")

equal(send("DELETE", "/session", token)[0].status, 200, "a logout goes through the gateway")
response, error = send("GET", "/notes", token)
equal((response.status, error["error"]), (401, "session_required"), "afterwards the token is rejected")
equal(received(), before, "and the request does not reach the backend")
