#!/usr/bin/env python3
"""Runs each query of the dashboard on a Prometheus and requires a result: metrics.py PROMETHEUS-PORT SERVER-PORT"""

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

prometheus, server = sys.argv[1:]


def result_of(query):
    url = f"http://127.0.0.1:{prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": query})
    with urllib.request.urlopen(url, timeout=30) as response:
        return json.load(response)["data"]["result"]


def wait_for(query, description):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if result_of(query):
                return
        except (urllib.error.URLError, ConnectionError):
            pass
        # Without requests the rate stays zero.
        urllib.request.urlopen(f"http://127.0.0.1:{server}/livez", timeout=30).close()
        time.sleep(0.2)
    sys.exit(f"no {description} after 120 seconds")


wait_for('rate(weapp_http_request_duration_seconds_count{route="/livez"}[10s]) > 0', "rate of requests")
with open("examples/grafana/dashboard.json", encoding="utf-8") as file:
    panels = json.load(file)["panels"]
queries = 0
for panel in panels:
    for target in panel["targets"]:
        query = target["expr"].replace("$__rate_interval", "10s").replace("$job", ".*").replace("$instance", ".*")
        # NaN, for 0/0, is a result too.
        if not result_of(query):
            sys.exit(f"{panel['title']}: no result for {query}")
        queries += 1
print(f"{queries} queries of {len(panels)} panels have a result")
if queries < len(panels):
    sys.exit("a panel has no query")
