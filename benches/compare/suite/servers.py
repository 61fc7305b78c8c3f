"""The compared servers, each in a process on core 0, and the simulated WeChat on core 1."""

import contextlib
import http.client
import itertools
import os
import re
import socket
import subprocess
import time
from pathlib import Path

from .machine import BUILT, PEERS, WORK, Failed

SERVER_CORE, CLIENT_CORE = 0, 1
APP_ID, APP_SECRET = "wx0123456789abcdef", "0123456789abcdef0123456789abcdef"
OURS = "weapp-login"
STARTS_WITHIN_SECONDS = 30
# Two servers may have the same name.
NUMBERS = itertools.count(1)
# Placeholder of the port in a command or an environment.
PORT = "{port}"


class Server:
    """A running process, its port and the file with its output."""

    def __init__(self, name, command, environment=None, core=SERVER_CORE):
        self.name, self.port, self.log = name, free_port(), WORK / f"{name}.{next(NUMBERS)}.log"
        # The file with its tokens, if they differ from those of the other servers.
        self.tokens = None
        # False if its responses to logins differ in length.
        self.has_fixed_length = True
        command = ["taskset", "-c", core, *command]
        environment = {"PATH": os.environ["PATH"]} | (environment or {})
        with self.log.open("wb") as log:
            self.started = time.monotonic()
            self.process = subprocess.Popen(
                [str(word).replace(PORT, str(self.port)) for word in command], cwd=WORK, stdout=log, stderr=log,
                env={key: str(value).replace(PORT, str(self.port)) for key, value in environment.items()})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.unlink(missing_ok=True)

    def ready(self, path="/livez", headers=None, pause=0.02):
        """Waits for the first 200. Returns the server."""
        while self.seconds_up() < STARTS_WITHIN_SECONDS and self.process.poll() is None:
            with contextlib.suppress(OSError):
                if self.send("GET", path, headers)[0] == 200:
                    return self
            time.sleep(pause)
        raise Failed(f"{self.name} did not start: {self.log.read_text(errors='replace')}")

    def seconds_up(self):
        """Returns the seconds since the process was started."""
        return time.monotonic() - self.started

    def send(self, method, path, headers=None, body=None):
        """Sends one request on a new connection. Returns status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def busy_seconds(self):
        """Returns the processor time of the process in seconds."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_megabytes(self, which="VmRSS"):
        """Returns the resident size in MB (millions of bytes), now or with VmHWM at its highest."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{which}:\s+(\d+) kB", status)[1]) * 1024 / 1e6


def free_port():
    """Returns a free port of 127.0.0.1."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def wechat():
    """Starts the simulator, which all servers use."""
    command = [BUILT / OURS, "simulate", "--port", PORT, "--app-id", APP_ID, "--app-secret", APP_SECRET]
    return Server("wechat", command, core=CLIENT_CORE).ready("/simulator")


def ours(database, wechat_port, **settings):
    """Starts our server on a SQLite file or a PostgreSQL URL, in the production profile, with one worker and with Express's log format."""
    environment = {
        "WEAPP_PROFILE": "production",
        "WEAPP_LOG__FORMAT": "dev",
        "WEAPP_SERVER__PORT": PORT,
        "WEAPP_SERVER__WORKERS": 1,
        "WEAPP_STORE__URL": database if str(database).startswith("postgres:") else f"sqlite://{database}",
        "WEAPP_WECHAT__BASE_URL": f"http://127.0.0.1:{wechat_port}",
        "WEAPP_APPS__MAIN__APP_ID": APP_ID,
        "WEAPP_APPS__MAIN__APP_SECRET": APP_SECRET,
    }
    return Server(OURS, [BUILT / OURS], environment=environment | settings)


def peer(name, database, wechat_port):
    """Starts Express or Fastify."""
    environment = {
        "NODE_ENV": "production",
        "PORT": PORT,
        "DATABASE": database,
        "WECHAT": f"http://127.0.0.1:{wechat_port}",
        "APP_ID": APP_ID,
        "APP_SECRET": APP_SECRET,
    }
    return Server(name, ["node", PEERS / f"{name}.js"], environment=environment)


def postgres_peer(name, database, tokens, wechat_port):
    """Starts Express with express-session, whose tokens are cookies, or with Better Auth, on a PostgreSQL URL."""
    server = peer(name, database, wechat_port)
    server.tokens = tokens
    # The signature in a cookie is escaped for the URL.
    server.has_fixed_length = name != "express-session"
    return server


def limit(name, status, body):
    """Starts a bare framework that always sends this response."""
    return Server(f"bare {name}", [BUILT / "limits", name, PORT, status, body])
