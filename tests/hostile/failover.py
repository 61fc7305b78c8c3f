"""Two nodes behind nginx, on a PostgreSQL database with a synchronous standby, under load: a node is paused, a node restarts, and the
database fails over twice, the first time while another database has taken the port of the one that was killed.

One node has both servers in its URL, the other one is connected through a proxy that follows the primary. Each request is answered,
with 503 only while the database is away. No confirmed login is lost, no live session is rejected, and no session that was logged out
comes back. WEAPP_HOSTILE_REQUESTS is the minimum number of requests."""

import base64
import hashlib
import json
import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from cluster import IS_ROOT, Database, Proxy, free_port
from harness import Server, check, finish, new_code, record, wait_until

REQUESTS = int(os.environ.get("WEAPP_HOSTILE_REQUESTS", 10_000))
CLIENTS, CHECKS, LIVE, PAUSED = 8, 8, 20, 10
# A node connects its five connections one after the other.
CONNECTING = 0.5

NGINX = """
daemon off; worker_processes 1; pid nginx.pid; error_log nginx.log; %s
events { worker_connections 512; }
http {
    access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    upstream nodes { server 127.0.0.1:%d max_fails=0; server 127.0.0.1:%d max_fails=0; keepalive 32; keepalive_timeout 4s; }
    server {
        listen 127.0.0.1:%d; keepalive_requests 10000000; keepalive_timeout 600s;
        location / {
            proxy_pass http://nodes; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
            add_header X-Node $upstream_addr always;
        }
    }
}
"""


class Client:
    """Logs in, checks and logs out through nginx, in a process of its own, and notes what was confirmed."""

    def __init__(self, number, port, databases, counts, done, results):
        self.number, self.port, self.databases = number, port, databases
        self.counts, self.done, self.results = counts, done, results
        self.live, self.ended = [], []
        # (start, end, …) of the requests with an unexpected reply.
        self.unavailable, self.rejected, self.resurrected, self.other = [], [], [], []
        self.connection = None

    def send(self, method, path, token=None, body=None):
        """Returns the status, the node and the text."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if body:
            body, headers["content-type"] = json.dumps(body), "application/json"
        start, node = time.monotonic(), None
        try:
            self.connection = self.connection or HTTPConnection("127.0.0.1", self.port, timeout=30)
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
            status, node, text = response.status, response.headers["X-Node"], response.read().decode()
        except (OSError, HTTPException) as error:
            self.connection.close()
            self.connection, status, text = None, 0, repr(error)
        self.counts[self.number] += 1
        if status in (502, 503, 504):
            self.unavailable.append((start, time.monotonic(), status, node, method, text))
        elif status not in (200, 401):
            self.other.append((start, time.monotonic(), node, method, path, status, text[:200]))
        return status, node, text

    def explain(self, token, node):
        """Returns what each database says about a session that a node has rejected."""
        digest = hashlib.sha256(base64.urlsafe_b64decode(token.removeprefix("wxs_"))[:32]).hexdigest()
        sql = f"""SELECT (SELECT count(*) FROM session WHERE digest = '\\x{digest}') AS sessions, pg_is_in_recovery(),
                         pg_postmaster_start_time(), (SELECT identity FROM database_identity)"""
        found = {}
        for database in self.databases:
            done = subprocess.run(database.command(sql), capture_output=True, text=True)
            found[database.data.name] = (done.stdout or done.stderr).strip()
        return {"at": time.monotonic(), "node": node, "databases": found}

    def run(self):
        while not self.done.is_set():
            status, _, text = self.send("POST", "/login", body={"code": new_code()})
            if status == 200:
                self.live.append(json.loads(text)["data"]["token"])
            for token in random.sample(self.live, min(CHECKS, len(self.live))):
                status, node, _ = self.send("GET", "/session", token)
                if status == 401:
                    self.rejected.append(self.explain(token, node) if len(self.rejected) < 3 else {})
            if len(self.live) > LIVE:
                token = self.live.pop(random.randrange(len(self.live)))
                if self.send("DELETE", "/session", token)[0] == 200:
                    self.ended.append(token)
                    # nginx asks the nodes in turn.
                    for _ in range(2):
                        status, node, _ = self.send("GET", "/session", token)
                        if status == 200:
                            self.resurrected.append(self.explain(token, node))
        self.connection = self.databases = None
        self.results.put({name: getattr(self, name) for name in
                          ("live", "ended", "unavailable", "rejected", "resurrected", "other")})


def status_of(node, token, method="GET"):
    return node.request(method, "/session", headers={"Authorization": f"Bearer {token}"})[0]


def log_in(node):
    """Logs a user in and returns the token, or None."""
    status, _, text = node.request("POST", "/login", {"code": new_code()})
    return json.loads(text)["data"]["token"] if status == 200 else None


def is_answering(node):
    token = log_in(node)
    return token is not None and status_of(node, token) == 200 and node.get("/readyz")[0] == 200


def recovered(since, start):
    """Waits until both nodes answer, ends the time in which 503 is right, and returns the seconds since `start`."""
    for node in nodes:
        wait_until(lambda: is_answering(node), 20, "the nodes do not recover")
    end = time.monotonic()
    away.append((since, end + CONNECTING))
    return end - start


def pause_and_resume():
    """Pauses `a`: it delays no login on `b`, and its first check after that is exact."""
    marks = [log_in(b) for _ in range(5)]
    assert all(status_of(a, token) == 200 for token in marks)
    paused = time.monotonic()
    a.process.send_signal(signal.SIGSTOP)
    slowest = 0
    while time.monotonic() - paused < PAUSED:
        since = time.monotonic()
        assert log_in(b) is not None
        slowest = max(slowest, time.monotonic() - since)
        time.sleep(0.02)
    assert all(status_of(b, token, "DELETE") == 200 for token in marks)
    a.process.send_signal(signal.SIGCONT)
    # To the node, the database was silent: it may say so, but not that the session is live.
    found = {status_of(a, token) for token in marks}
    check("logged out on b, first check on a after its pause", "401 or 503", found, lambda found: found <= {401, 503})
    recovered(paused, paused)
    pauses.append(away[-1])
    found = {status_of(a, token) for token in marks}
    check("logged out on b, checked on a later", "401", found, lambda found: found == {401})
    check("slowest login on b while a is paused, s", "<= 2", slowest, lambda seconds: seconds <= 2)


def fail_over(primary, standby, other=None):
    """Kills the primary, lets another database have its port for a while, and promotes the standby. Returns the seconds from the
    promotion until both nodes answer."""
    killed = time.monotonic()
    primary.kill()
    if other:
        other.start()
        time.sleep(2)
        check("/readyz while another database has the port", "503", {node.get("/readyz")[0] for node in nodes},
              lambda found: found == {503})
    standby.promote()
    proxy.target = standby.port
    took = recovered(killed, time.monotonic())
    if other:
        other.stop()
        # A connection that was being made when another one had found the new primary is logged once more.
        lines = [sum("no connection" in line and ", and found database " in line for line in node.log_text().splitlines())
                 for node in nodes]
        check("log lines about the other database, on each node", "1 or 2", lines, lambda lines: set(lines) <= {1, 2})
    return took


def foreign_database():
    """Returns a database of another installation, with its tables, that can take the port of `first`."""
    other = Database(folder, "other")
    other.create()
    other.start()
    with Server(WEAPP_STORE__URL=other.url):
        pass
    other.stop("fast")
    other.port = first.port
    return other


def start_nginx(port):
    work = Path(folder, "nginx")
    work.mkdir()
    (work / "nginx.conf").write_text(NGINX % ("user root;" if IS_ROOT else "", a.port, b.port, port))
    return subprocess.Popen(["nginx", "-p", work, "-e", "nginx.log", "-c", "nginx.conf"])


def run_load():
    counts, done = multiprocessing.Array("q", CLIENTS, lock=False), multiprocessing.Event()
    results, port = multiprocessing.Queue(), free_port()
    clients = [Client(number, port, [first, second, other], counts, done, results) for number in range(CLIENTS)]
    processes = [multiprocessing.get_context("fork").Process(target=client.run, daemon=True) for client in clients]
    nginx = start_nginx(port)
    try:
        wait_until(lambda: Path(folder, "nginx/nginx.pid").exists(), 5, "nginx does not start")
        start = time.monotonic()
        for process in processes:
            process.start()
        time.sleep(2)
        pause_and_resume()
        b.stop()
        b.start()
        time.sleep(1)
        # Attempts to connect that are under way find the other database first, under a load that leaves no core idle.
        check("both nodes answer after the first failover, s", "<= 4", fail_over(first, second, other), lambda it: it <= 4)
        first.become_standby_of(second)
        wait_until(lambda: sum(counts) >= REQUESTS * 3 / 4, 1200, "the requests take too long")
        check("both nodes answer after the second failover, s", "<= 2", fail_over(second, first), lambda it: it <= 2)
        wait_until(lambda: sum(counts) >= REQUESTS, 1200, "the requests take too long")
        done.set()
        found = [results.get(timeout=40) for _ in processes]
        record("requests a second", sum(counts) / (time.monotonic() - start))
        return sum(counts), {name: [item for result in found for item in result[name]] for name in found[0]}
    finally:
        nginx.terminate()
        nginx.wait()


def judge(requests, found):
    # A node that was paused may find that WeChat has not answered in time, and that a connection was idle for too long: 504, 502.
    is_right = lambda reply: any(reply[0] < end and start < reply[1] for start, end in (away if reply[2] == 503 else pauses))
    late = [reply for reply in found["unavailable"] if not is_right(reply)]
    check("requests across the faults", f">= {REQUESTS}", requests, lambda count: count >= REQUESTS)
    record("502, 503 and 504 while a node or the database was away", len(found["unavailable"]) - len(late))
    check("502, 503 or 504 at another time", "none", late[:3] or "none", lambda it: it == "none")
    check("no answer, or another status", "none", found["other"][:3] or "none", lambda it: it == "none")
    check("live sessions rejected", "none", found["rejected"][:5] or "none", lambda it: it == "none")
    check("sessions accepted after a confirmed logout", "none", found["resurrected"][:5] or "none", lambda it: it == "none")
    lost = sum(status_of(random.choice(nodes), token) != 200 for token in found["live"])
    check(f"lost of {len(found['live'])} confirmed logins", "0", lost, lambda count: count == 0)
    digest = lambda token: hashlib.sha256(base64.urlsafe_b64decode(token.removeprefix("wxs_"))[:32]).hexdigest()
    stored = set(first.ask("SELECT encode(digest, 'hex') FROM session").split())
    back = sum(digest(token) in stored for token in found["ended"])
    check(f"back of {len(found['ended'])} confirmed logouts", "0", back, lambda count: count == 0)
    if late or found["other"] or found["rejected"] or found["resurrected"]:
        lines = (line for node in nodes for line in node.log_text().splitlines() if " WARN " in line or " ERROR " in line)
        print(f"away: {away}", *lines, sep="\n", file=sys.stderr)


with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
    first, second = Database(folder, "first"), Database(folder, "second")
    other = foreign_database()
    # Times in which a node or the database was away.
    away, pauses = [], []
    try:
        first.create()
        first.start()
        second.become_standby_of(first)
        proxy = Proxy(first.port)
        # A restart loses no request: the socket stays open, and the drain is longer than nginx keeps an idle connection.
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        restarted = {"listener": listener, "WEAPP_SERVER__DRAIN_SECONDS": 5}
        # The standby comes first, and is not used.
        hosts = first.url.replace(f":{first.port}/", f":{second.port},127.0.0.1:{first.port}/")
        through_proxy = first.url.replace(f":{first.port}/", f":{proxy.port}/")
        with Server(WEAPP_STORE__URL=hosts) as a, Server(WEAPP_STORE__URL=through_proxy, **restarted) as b:
            nodes = [a, b]
            judge(*run_load())
    finally:
        for database in (first, second, other):
            if database.is_running():
                database.kill()
finish()
