"""Logs in for every request, because some requests end their session. `POST /introspect` gets a service key instead."""

import json
import os
import urllib.request

import schemathesis


@schemathesis.auth(refresh_interval=None)
class Login:
    def get(self, case, context):
        if case.operation.path == "/introspect":
            return os.environ["SERVICE_KEY"]
        code = json.dumps({"code": "the code is a mock one"}).encode()
        url = case.operation.base_url.rstrip("/") + "/login"
        request = urllib.request.Request(url, code, {"content-type": "application/json"})
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)["data"]["token"]

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = "Bearer " + data
