#!/usr/bin/env python3
"""Asks a Prometheus each query of the dashboard and wants an answer: metrics.py PROMETHEUS-PORT SERVER-PORT"""

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

prometheus, server = sys.argv[1:]


def ask(query):
    url = f"http://127.0.0.1:{prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": query})
    with urllib.request.urlopen(url, timeout=5) as reply:
        return json.load(reply)["data"]["result"]


def wait_for(query, what):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if ask(query):
                return
        except (urllib.error.URLError, ConnectionError):
            pass
        # Something must happen for a rate to be above nothing.
        urllib.request.urlopen(f"http://127.0.0.1:{server}/livez", timeout=5).close()
        time.sleep(0.2)
    sys.exit(f"no {what} after 30 seconds")


wait_for('rate(weapp_http_request_duration_seconds_count{route="/livez"}[10s]) > 0', "rate of requests")
with open("examples/grafana/dashboard.json", encoding="utf-8") as file:
    panels = json.load(file)["panels"]
asked = 0
for panel in panels:
    for target in panel["targets"]:
        query = target["expr"].replace("$__rate_interval", "10s").replace("$job", ".*").replace("$instance", ".*")
        # 0/0 is an answer too: NaN.
        if not ask(query):
            sys.exit(f"{panel['title']}: no answer to {query}")
        asked += 1
print(f"{asked} queries of {len(panels)} panels answered")
if asked < len(panels):
    sys.exit("a panel asks nothing")
