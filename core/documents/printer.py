"""Laying out pages in processes of their own, so that four documents at once stall nobody.

WeasyPrint computes for a second and more and holds the interpreter while it does. A printer is a child
process that reads pages from its standard input and answers with PDF bytes. Printers start when first
needed, at most one for each core over all server processes of an instance, give way to the pages
(nice), are killed when a document takes too long, and end by themselves when idle or when their
server ends.

``python -m core.documents.printer`` is the child: length-framed JSON in, a status byte and bytes out.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

# Where there are no such locks, each server process counts for itself.
fcntl: Any = import_module("fcntl") if find_spec("fcntl") else None

ROOT = Path(__file__).resolve().parents[2]
SECONDS_FOR_ONE = 60
SECONDS_IN_LINE = 60
SECONDS_IDLE = 300
# Documents in hand in one server process; each holds a thread that a page could use.
AT_ONCE = 6
_HEAD = struct.Struct(">cI")


class PrintError(RuntimeError):
    """A page that could not be laid out, with what the printer said."""


class Busy(PrintError):
    """All printers stayed busy for too long."""


class Printer:
    """One child process."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "core.documents.printer"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def render(self, request: bytes, *, seconds: float) -> bytes:
        assert self.process.stdin is not None and self.process.stdout is not None
        late = threading.Timer(seconds, self.process.kill)
        late.start()
        try:
            _send(self.process.stdin, b"?", request)
            answer = _receive(self.process.stdout)
        except OSError:
            answer = None
        finally:
            late.cancel()
        if answer is None:
            raise PrintError("the printer ended in the middle of a document")
        status, data = answer
        if status != b"+":
            raise PrintError(data.decode())
        return data

    def close(self) -> None:
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self.process.wait()


class Printers:
    """The printers of this server process; ``folder`` is where the processes of an instance count together."""

    def __init__(self, folder: Path, size: int | None = None) -> None:
        self.folder = folder
        self.size = size or os.cpu_count() or 1
        self._line = threading.BoundedSemaphore(AT_ONCE)
        self._places = threading.BoundedSemaphore(self.size)
        self._idle: list[Printer] = []
        atexit.register(self.close)

    def render(self, page: str, rules: str, *, seconds: float = SECONDS_FOR_ONE) -> bytes:
        """The PDF of a page. Raises :class:`PrintError`, and :class:`Busy` when the line is long or stands still."""
        if not self._line.acquire(blocking=False):
            raise Busy("too many documents wait")
        try:
            return self._print(json.dumps({"page": page, "rules": rules}).encode(), seconds)
        finally:
            self._line.release()

    def _print(self, request: bytes, seconds: float) -> bytes:
        deadline = time.monotonic() + SECONDS_IN_LINE
        if not self._places.acquire(timeout=SECONDS_IN_LINE):
            raise Busy("every printer is busy")
        try:
            with self._core(deadline):
                printer = self._take()
                try:
                    data = printer.render(request, seconds=seconds)
                except BaseException:
                    printer.close()
                    raise
                self._idle.append(printer)
                return data
        finally:
            self._places.release()

    def _take(self) -> Printer:
        while True:
            try:
                printer = self._idle.pop()
            except IndexError:
                return Printer()
            if printer.alive:
                return printer
            printer.close()

    @contextmanager
    def _core(self, deadline: float) -> Iterator[None]:
        """Hold one of as many locks as there are cores; the processes of an instance share them."""
        if fcntl is None:
            yield
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            for number in range(self.size):
                with (self.folder / f"core-{number}").open("w") as lock:
                    try:
                        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    except OSError:
                        continue
                    yield
                    return
            if time.monotonic() > deadline:
                raise Busy("every printer is busy")
            time.sleep(0.02)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


def _send(stream: IO[bytes], status: bytes, data: bytes) -> None:
    stream.write(_HEAD.pack(status, len(data)) + data)
    stream.flush()


def _receive(stream: IO[bytes]) -> tuple[bytes, bytes] | None:
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    status, length = _HEAD.unpack(head)
    data = stream.read(length)
    return (status, data) if len(data) == length else None


# The child ---------------------------------------------------------------------------------------


class Press:
    """Lays out pages; one font configuration for all of them: reading the fonts costs more than a page."""

    def __init__(self) -> None:
        self.rules = ""
        self.fonts: Any = None
        self.sheets: list[Any] = []

    def pdf(self, page: str, rules: str) -> bytes:
        import weasyprint
        from weasyprint.text.fonts import FontConfiguration
        from weasyprint.urls import URLFetcher

        if rules != self.rules or self.fonts is None:
            self.fonts = FontConfiguration()
            self.sheets = [weasyprint.CSS(string=rules, font_config=self.fonts)]
            self.rules = rules
        # A document is whole in itself: it loads nothing from anywhere.
        document = weasyprint.HTML(string=page, url_fetcher=URLFetcher(allowed_protocols=()))
        return document.write_pdf(stylesheets=self.sheets, font_config=self.fonts)


def main() -> None:
    """Answer pages until the server ends or nothing comes for a while."""
    with suppress(OSError, AttributeError):
        os.nice(5)
    source, target = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Whatever a library prints must not end up between the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    press = Press()
    while select.select([source], [], [], SECONDS_IDLE)[0]:
        request = _receive(source)
        if request is None:
            return
        try:
            _send(target, b"+", press.pdf(**json.loads(request[1])))
        except Exception as error:
            _send(target, b"-", repr(error).encode())


if __name__ == "__main__":
    main()
