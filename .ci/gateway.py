#!/usr/bin/env python3
"""What must hold at a gateway: gateway.py GATEWAY-PORT SERVER-PORT BACKEND-LOG [--openid]"""

import json
import sys
from http.client import HTTPConnection

gateway, server, log = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
openid_is_told = "--openid" in sys.argv
FORGED = {"X-User-Id": "forged", "x-user-ID": "forged", "X-App": "forged", "X-Openid": "forged", "X_User_Id": "forged"}


def ask(method, path, token=None, body=None, headers=None, port=gateway):
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    headers = dict(headers or {})
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if body is not None:
        headers.setdefault("Content-Type", "application/json")
    connection.request(method, path, body, headers)
    reply = connection.getresponse()
    text = reply.read().decode()
    return reply, (json.loads(text) if text else None)


def reached():
    """How many requests the backend has seen."""
    return len(open(log).read().splitlines()) - 1


def equal(got, expected, what):
    if got != expected:
        sys.exit(f"{what}: expected {expected!r}, got {got!r}")
    print(f"ok   {what}")


reply, login = ask("POST", "/login", body='{"code":"the code is a mock one"}')
equal(reply.status, 200, "a login goes through the gateway")
token, user = login["data"]["token"], login["data"]["user"]["id"]

for name, headers in [("no token", {}), ("garbage", {"Authorization": "Bearer x"}), ("forged headers", FORGED)]:
    for method, body in [("GET", None), ("POST", "a body")]:
        reply, refusal = ask(method, "/notes", headers=headers, body=body)
        equal((reply.status, refusal["error"]), (401, "session_required"), f"{method} with {name} is refused in our words")
        equal(reply.getheader("Content-Type"), "application/json; charset=utf-8", "and in JSON")
        equal(reply.getheader("Cache-Control"), "no-store", "and is not kept")
equal(reached(), 0, "the backend has heard nothing of them")

reply, seen = ask("POST", "/notes?page=2", token, body="a body", headers=FORGED)
equal((reply.status, seen["method"], seen["path"], seen["body"]), (200, "POST", "/notes?page=2", "a body"), "with a token all goes on")
told = {}
for header, value in seen["headers"]:
    told.setdefault(header.replace("_", "-"), []).append(value)
equal(told["x-user-id"], [user], "the backend is told the user, once")
equal(len(told["x-app"]) == 1 and told["x-app"][0].startswith("wx"), True, "and the AppID, once")
equal("x-openid" in told, openid_is_told, f"the openid is told: {openid_is_told}")
equal([value for values in told.values() for value in values if "forged" in value], [], "nothing forged has passed")
equal("authorization" in told, False, "the token is not handed on")

big = "x" * 500_000
reply, seen = ask("PUT", "/notes/1", token, body=big)
equal((reply.status, len(seen["body"])), (200, len(big)), "a large body goes to the backend")
for status in [401, 500]:
    reply, seen = ask("GET", f"/status/{status}", token)
    equal((reply.status, seen["path"]), (status, f"/status/{status}"), f"the backend's own {status} is its own")
reply, _ = ask("POST", "/introspect", body="token=x", token=token)
equal(reply.getheader("X-Request-Id"), None, "POST /introspect is not for the world: the backend got it")
equal(ask("GET", "/metrics")[0].status, 401, "nor are the metrics")

before = reached()
equal(ask("DELETE", "/session", token)[0].status, 200, "a logout goes through the gateway")
reply, refusal = ask("GET", "/notes", token)
equal((reply.status, refusal["error"]), (401, "session_required"), "after it the token opens nothing")
equal(reached(), before, "and the backend hears nothing of it")
