"""Folders, tools and versions of the comparison."""

import json
import os
import platform
import resource
import shutil
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
COMPARE = ROOT / "benches" / "compare"
PEERS = COMPARE / "peers"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
BUILT = TARGET / "release"
WORK = TARGET / "compare"


class Failed(Exception):
    """The comparison has no result, for the reason in the message."""


def run(*command, **options):
    """Runs a command and returns its output. Raises Failed if it fails."""
    options = {"check": True, "text": True, "capture_output": True} | options
    try:
        return subprocess.run([str(word) for word in command], **options).stdout
    except subprocess.CalledProcessError as error:
        raise Failed(f"{error}\n{error.stdout or ''}{error.stderr or ''}") from error


def prepare(build):
    """Installs missing tools, and builds the binaries if `build` is set."""
    WORK.mkdir(parents=True, exist_ok=True)
    for tool, package in [("wrk", "wrk"), ("taskset", "util-linux"), ("node", "nodejs"), ("npm", "npm"), ("make", "build-essential")]:
        if not shutil.which(tool):
            install(package)
    if build:
        environment = os.environ | {"CARGO_TARGET_DIR": str(TARGET)}
        # The tools by themselves, with the same features of the dependencies as the server, so that its library is not compiled again.
        for folder, options in [(ROOT, []), (COMPARE, ["-p=tools", *profile()]), (COMPARE, ["-p=limits", "-p=pace", *profile()])]:
            run("cargo", "build", "--release", "--quiet", *options, cwd=folder, env=environment, capture_output=False)
    run(ROOT / ".ci" / "packages", "pg_createcluster:postgresql")
    install_peers()
    # Allows as many connections as the machine does, also for the servers. This process leaves core 0 to them.
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    os.sched_setaffinity(0, {1})


def profile():
    """Returns the release profile of the root manifest as options of cargo, so that all binaries share compiled dependencies."""
    return [f"--config=profile.release.{line}" for line in lines(tomllib.loads((ROOT / "Cargo.toml").read_text())["profile"]["release"])]


def lines(table):
    """Yields one `key=value` for each value in a TOML table."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from (f"{key}.{line}" for line in lines(value))
        else:
            yield f"{key}={json.dumps(value)}"


def install(package):
    """Installs a Debian package."""
    run("apt-get", "update", "-qq")
    run("apt-get", "install", "-y", "-qq", package, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"})


def install_peers():
    """Runs `npm ci` if the lock file is newer than the last installation.

    better-sqlite3 is compiled with the headers of the installed Node, so no binary and no headers are downloaded.
    """
    lock, installed = PEERS / "package-lock.json", PEERS / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    environment = os.environ | {"npm_config_build_from_source": "true"}
    if Path("/usr/include/node/node.h").exists():
        environment["npm_config_nodedir"] = "/usr"
    run("npm", "ci", "--no-audit", "--no-fund", cwd=PEERS, env=environment)


def versions():
    """Returns the versions of the measured servers, of the tools and of the machine."""
    peers = ["express", "body-parser", "morgan", "fastify", "better-sqlite3", "undici", "express-session", "connect-pg-simple", "better-auth",
             "pg"]
    modules = PEERS / "node_modules"
    lock = (COMPARE / "Cargo.lock").read_text()
    found = {
        "weapp-login": run("git", "-C", ROOT, "describe", "--always", "--dirty", "--abbrev=12").strip(),
        "rustc": run("rustc", "--version").split()[1],
        "actix-web": locked(lock, "actix-web"),
        "axum": locked(lock, "axum"),
        "node": run("node", "--version").strip().removeprefix("v"),
    }
    for peer in peers:
        found[peer] = json.loads((modules / peer / "package.json").read_text())["version"]
    found["postgresql"] = run("psql", "--version").split()[2]
    found["wrk"] = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout.split()[1]
    found["kernel"] = platform.release()
    found["processor"] = processor()
    return found


def locked(lock, package):
    """Returns a package's version from the text of a Cargo.lock."""
    return lock.split(f'name = "{package}"\nversion = "')[1].split('"')[0]


def processor():
    """Returns the name of the processor and the number of cores."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return f"{line.split(':')[1].strip()}, {os.cpu_count()} cores"
    return f"{platform.machine()}, {os.cpu_count()} cores"
