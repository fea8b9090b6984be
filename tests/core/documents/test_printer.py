"""Printing happens in processes of their own: several at once, killed when late, never taken down with one."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.documents import services
from core.documents.printer import Busy, Printer, PrintError, Printers

pytestmark = pytest.mark.skipif(not services.pdf_available(), reason="Pango is not installed")
RULES = "@page { size: A4 }"


@pytest.fixture(scope="module")
def printers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Printers]:
    found = Printers(tmp_path_factory.mktemp("printers"), size=2)
    yield found
    found.close()


def test_four_at_once_are_printed_by_no_more_children_than_cores(printers: Printers) -> None:
    with ThreadPoolExecutor(4) as people:
        pages = [people.submit(printers.render, f"<p>Page {number}</p>", RULES) for number in range(4)]
        made = [page.result() for page in pages]
    assert all(data.startswith(b"%PDF-") for data in made)
    assert 1 <= len(printers._idle) <= 2


def test_two_servers_of_an_instance_share_its_cores(printers: Printers, monkeypatch) -> None:
    other = Printers(printers.folder, size=2)
    monkeypatch.setattr("core.documents.printer.SECONDS_IN_LINE", 0)
    with printers._core(0), other._core(0), pytest.raises(Busy):
        other.render("<p>one too many</p>", RULES)
    assert other.render("<p>free again</p>", RULES).startswith(b"%PDF-")
    other.close()


def test_a_document_that_takes_too_long_is_given_up_and_the_next_is_printed(printers: Printers) -> None:
    slow = "<table>" + "<tr><td>x</td></tr>" * 20_000 + "</table>"
    with pytest.raises(PrintError):
        printers.render(slow, RULES, seconds=0.2)
    assert printers.render("<p>after it</p>", RULES).startswith(b"%PDF-")


def test_a_child_that_died_is_replaced(printers: Printers) -> None:
    printers.render("<p>first</p>", RULES)
    for printer in printers._idle:
        printer.process.kill()
        printer.process.wait()
    assert printers.render("<p>second</p>", RULES).startswith(b"%PDF-")


def test_a_child_ends_with_its_server() -> None:
    printer = Printer()
    assert printer.process.stdin is not None and printer.process.stdout is not None
    printer.process.stdin.close()
    assert printer.process.wait(timeout=30) == 0
    printer.process.stdout.close()
