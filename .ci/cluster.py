#!/usr/bin/env python3
"""Starts the services of compose.cluster.yaml and runs a command or the checks: cluster.py [COMMAND …]. Called by .ci/cluster."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import yaml

COMPOSE = yaml.safe_load(Path("compose.cluster.yaml").read_text())
SERVICES = COMPOSE["services"]
NODES = [name for name, service in SERVICES.items() if service.get("build") == "."]
BINARY = Path(os.environ.get("BINARY", "target/release/weapp-login")).resolve()
CODE = {"code": "the code is a mock one"}


def equal(got, expected, description):
    if got != expected:
        sys.exit(f"{description}: expected {expected!r}, got {got!r}")
    print(f"ok   {description}")


def check_compose():
    """Checks what no service would notice here: the image's settings of the database, the order of the starts, the mounts."""
    equal(sorted(SERVICES), ["db", "nginx", *NODES], "the services are two nodes, the database and nginx")
    equal(len(NODES), 2, "number of nodes")
    database, nginx = SERVICES["db"]["environment"], SERVICES["nginx"]
    for node in NODES:
        settings = SERVICES[node]["environment"]
        url = urlsplit(settings["WEAPP_STORE__URL"])
        expected = "db", database["POSTGRES_USER"], "/" + database["POSTGRES_DB"]
        equal((url.hostname, url.username, url.path), expected, f"database of {node}")
        equal(settings["WEAPP_STORE__PASSWORD"], database["POSTGRES_PASSWORD"], f"password of {node}")
        equal(SERVICES[node]["depends_on"], {"db": {"condition": "service_healthy"}}, f"{node} waits for the database")
    equal(sorted(nginx["depends_on"]), NODES, "nginx waits for the nodes")
    equal([port.split(":")[-1] for port in nginx["ports"]], ["80"], "port of nginx")
    equal(COMPOSE["volumes"], {SERVICES["db"]["volumes"][0].split(":")[0]: None}, "the database has a volume")


def mounted(path):
    """Returns the file of the repository that compose mounts at this path of nginx."""
    [source] = [volume.split(":")[0] for volume in SERVICES["nginx"]["volumes"] if volume.split(":")[1] == path]
    return Path(source).resolve()


def start_node(name, folder):
    """Starts a node with the environment of its service, and with that of the image."""
    environment = {"PATH": os.environ["PATH"], "WEAPP_SERVER__HOST": socket.gethostbyname(name)} | SERVICES[name]["environment"]
    return subprocess.Popen([BINARY], env=environment, cwd=folder, stdout=open(folder / f"{name}.log", "wb"), stderr=subprocess.STDOUT)


def start_nginx(folder):
    """Starts nginx with the mounted file, included as the image does it."""
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    site = mounted("/etc/nginx/conf.d/default.conf")
    (folder / "main.conf").write_text(
        f"user root;\ndaemon off;\npid {folder}/nginx.pid;\nerror_log {folder}/nginx.log;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}include {site};\n}}\n")
    return subprocess.Popen(["nginx", "-e", folder / "nginx.log", "-c", folder / "main.conf"])


def send(host, method, path, token=None, body=None, port=3000):
    """Returns the status and the body."""
    connection = HTTPConnection(host, 80 if host == "localhost" else port, timeout=10)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def wait_until_ready(hosts):
    deadline = time.monotonic() + 30
    for host in hosts:
        while True:
            with contextlib.suppress(OSError, ValueError):
                if send(host, "GET", "/readyz")[0] == 200:
                    break
            if time.monotonic() > deadline:
                sys.exit(f"{host} is not ready")
            time.sleep(0.05)


def check_cluster(nodes):
    """Logs in over nginx and out on one node, and stops a node."""
    first, second = NODES
    logins = [send("localhost", "POST", "/login", body=CODE) for _ in range(4)]
    equal({status for status, _ in logins}, {200}, "logins over nginx")
    equal(len({reply["data"]["user"]["id"] for _, reply in logins}), 1, "both nodes have the same user")
    tokens = [reply["data"]["token"] for _, reply in logins]
    checks = {send(host, "GET", "/session", token)[0] for host in [first, second, "localhost"] for token in tokens}
    equal(checks, {200}, "checks on each node and over nginx")
    equal(send(first, "DELETE", "/session", tokens[0])[0], 200, f"logout on {first}")
    equal(send(second, "GET", "/session", tokens[0])[0], 401, f"check on {second}")
    equal({send("localhost", "GET", "/session", tokens[0])[0] for _ in range(10)}, {401}, "checks over nginx after the logout")
    nodes[first].kill()
    nodes[first].wait()
    equal({send("localhost", "GET", "/session", tokens[1])[0] for _ in range(10)}, {200}, f"checks over nginx after {first} was killed")


def main(command):
    check_compose()
    database = SERVICES["db"]["environment"]["POSTGRES_DB"]
    subprocess.run(["psql", "-XAtq", "--dbname", os.environ["WEAPP_TEST_POSTGRES"], "-c", f"CREATE DATABASE {database}"], check=True)
    with tempfile.TemporaryDirectory(prefix="cluster-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        nodes = {}
        for node in NODES:
            nodes[node] = start_node(node, folder)
            stack.callback(stop, nodes[node])
        stack.callback(stop, start_nginx(folder))
        wait_until_ready([*NODES, "localhost"])
        if command:
            return subprocess.run(command, check=False).returncode
        check_cluster(nodes)
    return 0


def stop(process):
    process.terminate()
    process.wait(15)


sys.exit(main(sys.argv[1:]))
