"""A load client and a server to load, both on this machine only.

wrk where it is installed, else threads over http.client: slower, but the same for every page, and
only ratios are reported.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONNECTIONS = 8


@contextlib.contextmanager
def server(instance: Path, url: str, *, workers: int = 2) -> Iterator[str]:
    """The product on a free loopback port; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"APP_INSTANCE": str(instance), "DATABASE_URL": url}
    environment.pop("APP_DEMO", None)
    process = subprocess.Popen(
        [
            sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
            "--workers", str(workers), "--no-access-log", "--log-level", "error", "wsgi:app",
        ],
        cwd=ROOT,
        env=environment,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{address}/healthz", timeout=2).read()
                break
            time.sleep(0.1)
        else:
            raise RuntimeError("the server did not start within half a minute")
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def check(address: str, path: str, cookie: str) -> None:
    """The page itself must answer, not a redirect to the door."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"))
    connection.request("GET", path, headers={"Cookie": cookie})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status}")


def rate(address: str, path: str, cookie: str, *, seconds: float = 4.0) -> float:
    """Requests per second that were answered with 200."""
    if shutil.which("wrk"):
        return _wrk(address + path, cookie, seconds)
    return _threads(address, path, cookie, seconds)


def _wrk(url: str, cookie: str, seconds: float) -> float:
    result = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-H", f"Cookie: {cookie}", url],
        capture_output=True,
        text=True,
        check=True,
    )
    if "Non-2xx" in result.stdout:
        raise RuntimeError(f"{url}: not every answer was 200\n{result.stdout}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", result.stdout)[1])  # type: ignore[index]


def _threads(address: str, path: str, cookie: str, seconds: float) -> float:
    end = time.perf_counter() + seconds
    counts = [0] * CONNECTIONS

    def work(place: int) -> None:
        connection = http.client.HTTPConnection(address.removeprefix("http://"))
        while time.perf_counter() < end:
            connection.request("GET", path, headers={"Cookie": cookie})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{path}: {answer.status}")
            counts[place] += 1

    threads = [threading.Thread(target=work, args=(place,)) for place in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds
