#!/usr/bin/env python3
"""Tests a gateway: gateway.py GATEWAY-PORT SERVER-PORT BACKEND-LOG [--openid]"""

import json
import sys
from http.client import HTTPConnection

gateway, server, log = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
openid_is_sent = "--openid" in sys.argv
FORGED = {"X-User-Id": "forged", "x-user-ID": "forged", "X-App": "forged", "X-Openid": "forged", "X_User_Id": "forged"}


def send(method, path, token=None, body=None, headers=None, port=gateway):
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    headers = dict(headers or {})
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if body is not None:
        headers.setdefault("Content-Type", "application/json")
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    text = response.read().decode()
    return response, (json.loads(text) if text else None)


def received():
    """Returns the number of requests that the backend received."""
    return len(open(log).read().splitlines()) - 1


def equal(got, expected, description):
    if got != expected:
        sys.exit(f"{description}: expected {expected!r}, got {got!r}")
    print(f"ok   {description}")


response, login = send("POST", "/login", body='{"code":"the code is a mock one"}')
equal(response.status, 200, "a login goes through the gateway")
token, user = login["data"]["token"], login["data"]["user"]["id"]

for name, headers in [("no token", {}), ("garbage", {"Authorization": "Bearer x"}), ("forged headers", FORGED)]:
    for method, body in [("GET", None), ("POST", "a body")]:
        response, error = send(method, "/notes", headers=headers, body=body)
        equal((response.status, error["error"]), (401, "session_required"), f"{method} with {name} is rejected by weapp-login")
        equal(response.getheader("Content-Type"), "application/json; charset=utf-8", "the error is JSON")
        equal(response.getheader("Cache-Control"), "no-store", "the error is not cached")
equal(received(), 0, "none of them reached the backend")

response, seen = send("POST", "/notes?page=2", token, body="a body", headers=FORGED)
equal((response.status, seen["method"], seen["path"], seen["body"]), (200, "POST", "/notes?page=2", "a body"), "a request with a token passes")
sent = {}
for header, value in seen["headers"]:
    sent.setdefault(header.replace("_", "-"), []).append(value)
equal(sent["x-user-id"], [user], "the backend gets the user id once")
equal(len(sent["x-app"]) == 1 and sent["x-app"][0].startswith("wx"), True, "the backend gets the AppID once")
equal("x-openid" in sent, openid_is_sent, f"the backend gets the openid: {openid_is_sent}")
equal([value for values in sent.values() for value in values if "forged" in value], [], "no forged header passed")
equal("authorization" in sent, False, "the token does not pass")

big = "x" * 500_000
response, seen = send("PUT", "/notes/1", token, body=big)
equal((response.status, len(seen["body"])), (200, len(big)), "a large body reaches the backend")
for status in [401, 500]:
    response, seen = send("GET", f"/status/{status}", token)
    equal((response.status, seen["path"]), (status, f"/status/{status}"), f"the backend's own {status} passes unchanged")
response, _ = send("POST", "/introspect", body="token=x", token=token)
equal(response.getheader("X-Request-Id"), None, "POST /introspect goes to the backend, not to weapp-login")
equal(send("GET", "/metrics")[0].status, 401, "GET /metrics goes there too, so it needs a session")

before = received()
equal(send("DELETE", "/session", token)[0].status, 200, "a logout goes through the gateway")
response, error = send("GET", "/notes", token)
equal((response.status, error["error"]), (401, "session_required"), "afterwards the token is rejected")
equal(received(), before, "and the request does not reach the backend")
