"""Starts the server for a hostile run and measures it.

A run is a file in this folder. It starts a `Server`, treats it badly, and reports each figure with `check`; `finish` at its end
exits with an error if a goal was missed:

    from harness import OtherClients, Server, check, finish

    with Server() as server, OtherClients(server) as others:
        usual = others.p99(seconds=3)
        ...
        check("others' p99 during the attack, ms", f"<= {goal:.1f}", others.p99(seconds=3), lambda p99: p99 <= goal)
    finish()
"""

import json
import multiprocessing
import os
import resource
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path

MB = 1024 * 1024
BINARY = Path(os.environ.get("WEAPP_LOGIN_BIN") or Path(__file__).parents[2] / "target/release/weapp-login").resolve()

_failures = 0


def check(figure, goal, measured, is_met):
    """Prints `figure | goal | measured | ok`, or `FAILED` if `is_met(measured)` is false."""
    global _failures
    met = bool(is_met(measured))
    _failures += not met
    print(f"{figure} | {goal} | {_shown(measured)} | {'ok' if met else 'FAILED'}", flush=True)


def record(figure, measured):
    """Prints a figure without a goal."""
    print(f"{figure} | | {_shown(measured)} |", flush=True)


def _shown(measured):
    return f"{measured:.1f}" if isinstance(measured, float) else measured


def finish():
    """Ends the run, with an error if a goal was missed."""
    sys.exit(1 if _failures else 0)


def new_code():
    """Returns a login code of a user of its own, so that no login ends the sessions of another one."""
    return secrets.token_hex(16)


def raise_descriptor_limit():
    """Raises this process's limit of descriptors, for runs with thousands of connections. The server starts with the old one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Server:
    """A server with a folder of its own, a free port and, unless the settings name an app, a simulated WeChat.

    Settings are keyword arguments such as `WEAPP_SERVER__WORKERS=2`. `descriptors` is the soft limit that the server starts with.
    The output goes to the file `log`. With `stdout`, a descriptor, it goes there, and the run must copy it to `log`. With `listener`, a
    socket, the server is started with it, as systemd does, so that a restart loses no connection.
    """

    def __init__(self, *arguments, folder=None, descriptors=1024, stdout=None, listener=None, **settings):
        self.own_folder = folder is None
        self.folder = Path(folder or tempfile.mkdtemp(prefix="hostile-"))
        self.arguments, self.descriptors, self.stdout, self.listener = arguments, descriptors, stdout, listener
        self.settings = {"WEAPP_SERVER__PORT": "0", "WEAPP_LOG__FORMAT": "tiny", **settings}
        self.log = self.folder / "log.txt"
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, wait=True):
        """Starts the process. With `wait`, returns when it accepts connections."""
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(self.descriptors, hard), hard))

        with open(self.log, "ab") as log:
            position = log.tell()
            out = log if self.stdout is None else self.stdout
            command, inherited = [BINARY, *self.arguments], ()
            if self.listener:
                inherited = (self.listener.fileno(),)
                command = ["bash", "-c", f'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&{inherited[0]}', "bash", *command]
            self.process = subprocess.Popen(command, cwd=self.folder, env=self._environment(), stdout=out, stderr=log,
                                            stdin=subprocess.DEVNULL, preexec_fn=limit, pass_fds=inherited)
        if wait:
            self.port = self._port(position)
            wait_until(lambda: self.get("/livez")[0] == 200, 10, "the server accepts no connection")

    def run(self, *arguments, timeout=120):
        """Runs a subcommand with the server's settings and returns the finished process."""
        return subprocess.run([BINARY, *arguments], cwd=self.folder, env=self._environment(), capture_output=True, timeout=timeout)

    def _environment(self):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("WEAPP_", "PORT", "RUST_"))}
        return environment | {name: str(value) for name, value in self.settings.items()}

    def stop(self, how=signal.SIGTERM, seconds=15):
        """Stops the process and returns its exit code. Kills it if it does not end in time."""
        if self.process is None:
            return None
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(how)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return None

    def log_text(self):
        return self.log.read_text(errors="replace")

    def request(self, method, path, body=None, headers=None, timeout=20):
        """Sends one request on a new connection and returns status, headers and text."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            headers = dict(headers or {})
            if isinstance(body, (dict, list)):
                body = json.dumps(body)
                headers.setdefault("content-type", "application/json")
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode(errors="replace")
        finally:
            connection.close()

    def get(self, path, **arguments):
        try:
            return self.request("GET", path, **arguments)
        except OSError:
            return 0, {}, ""

    def login(self, code=None):
        """Logs a user of the simulated WeChat in, by default a new one, and returns the token."""
        status, _, text = self.request("POST", "/login", {"code": code or new_code()})
        assert status == 200, (status, text)
        return json.loads(text)["data"]["token"]

    def connect(self, timeout=20):
        """Opens a raw connection."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def memory(self):
        """Returns the resident memory in MB."""
        return self._status("VmRSS")

    def peak_memory(self):
        """Returns the largest resident memory in MB since the start or `reset_peak`."""
        return self._status("VmHWM")

    def reset_peak(self):
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def descriptors_open(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def connections_open(self):
        """Returns the number of established connections to the server's port, as the kernel counts them."""
        port, count = f":{self.port:04X}", 0
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                # 01 is ESTABLISHED, 08 CLOSE_WAIT.
                count += fields[1].endswith(port) and fields[3] in ("01", "08")
        return count

    def _status(self, name):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024
        raise LookupError(name)

    def _port(self, position):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            with open(self.log, "rb") as log:
                log.seek(position)
                _, found, rest = log.read().partition(b"http://127.0.0.1:")
            digits = rest[:6].split(b";")[0].split(b"\n")[0].strip()
            if found and digits.isdigit() and rest[len(digits):]:
                return int(digits)
            time.sleep(0.05)
        sys.exit(f"the server did not start:\n{self.log_text()}")


class OtherClients:
    """Well-behaved clients in a process of their own: `connections` keep-alive connections that send one request at a time, together
    `rate` per second, and reconnect when the server closes a connection."""

    def __init__(self, server, path="/session", connections=8, rate=200):
        self.queue, self.connections = multiprocessing.Queue(), connections
        token = server.login()
        arguments = (self.queue, server.port, path, token, connections, rate)
        self.process = multiprocessing.get_context("fork").Process(target=_other_clients, args=arguments, daemon=True)

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.join()

    def latencies(self, seconds):
        """Returns the sorted latencies of the next seconds in milliseconds. A failed request counts as 10 seconds."""
        self._drain()
        time.sleep(seconds)
        return sorted(self._drain())

    def p99(self, seconds):
        return percentile(self.latencies(seconds), 99)

    def start(self):
        """Forgets the requests so far; `since_start` returns the latencies of those that follow."""
        self._drain()

    def since_start(self):
        return sorted(self._drain())

    def _drain(self):
        values = []
        while not self.queue.empty():
            values.extend(self.queue.get())
        return values


def percentile(values, percent):
    """Returns a percentile of sorted values; infinite if there are none."""
    return values[min(len(values) - 1, len(values) * percent // 100)] if values else float("inf")


def wait_until(condition, seconds, message):
    """Waits until the condition holds and returns the seconds that it took. Ends the run after `seconds`."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > seconds:
            sys.exit(message)
        time.sleep(0.05)
    return time.monotonic() - start


def _other_clients(queue, port, path, token, connections, rate):
    import threading
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    headers = {"Authorization": f"Bearer {token}"}

    def client(number):
        connection, due = None, time.monotonic() + number / rate
        while True:
            time.sleep(max(0, due - time.monotonic()))
            # A late client does not catch up: its next request is due from now.
            due = max(due + connections / rate, time.monotonic())
            start, latency = time.monotonic(), 10_000.0
            for attempt in range(2):
                # The server may close an idle connection at any time: the second attempt has a new one.
                try:
                    connection = connection or HTTPConnection("127.0.0.1", port, timeout=10)
                    connection.request("GET", path, headers=headers)
                    response = connection.getresponse()
                    response.read()
                    if response.status == 200:
                        latency = (time.monotonic() - start) * 1000
                    break
                except OSError:
                    connection = None
                except Exception:
                    connection = None
            queue.put([latency])

    for number in range(connections):
        threading.Thread(target=client, args=(number,), daemon=True).start()
    while True:
        time.sleep(1)
