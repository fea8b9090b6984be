"""Small promises of the web toolkit."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from core.web.samples import SampleForm
from core.web.words import compile_catalogues


def test_components_are_shown_to_developers_alone(bare_app: Flask) -> None:
    client = bare_app.test_client()
    assert client.get("/dev/components").status_code == 200
    bare_app.config["APP_ENV"] = "production"
    assert client.get("/dev/components").status_code == 404


@pytest.mark.parametrize("path", ["/public/calls/99999999999999999999", "/public/calls/9223372036854775808"])
def test_a_number_no_table_holds_is_no_address(bare_app: Flask, path: str) -> None:
    assert bare_app.test_client().get(path).status_code == 404


def test_a_number_beyond_the_bounds_is_refused_in_a_query(client_as: Callable[[str], FlaskClient]) -> None:
    assert client_as("clerk").get("/applications/?call=" + "9" * 30).status_code in (200, 400, 404)
    assert client_as("clerk").get("/organizations/?q=a%00b").status_code == 400


def test_a_style_sheet_of_a_package_is_kept_for_ever_and_holds_no_picture(bare_app: Flask) -> None:
    client = bare_app.test_client()
    page = client.get("/public/").text
    address = page.split("/carried/bootstrap.css")[1].split('"')[0]
    plain = client.get(f"/carried/bootstrap.css{address}")
    assert plain.status_code == 200
    assert b"data:" not in plain.data
    assert "immutable" in plain.headers["Cache-Control"] and "Cookie" not in plain.headers.get("Vary", "")
    packed = client.get("/carried/bootstrap.css", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip" and len(packed.data) < len(plain.data) / 3
    assert client.get("/carried/passwd").status_code == 404


def test_every_complaint_of_a_form_is_in_the_readers_language(bare_app: Flask) -> None:
    sent = MultiDict(
        {
            "people": "many",
            "hosted": "perhaps",
            "groups": "z",
            "kind": "z",
            "amount": "much",
            "starts_on": "soon",
        }
    )
    with bare_app.test_request_context():
        form = SampleForm(formdata=sent)
        assert not form.validate()
        for name in ("people", "hosted", "groups", "kind", "amount", "starts_on", "title"):
            for text in form[name].errors:
                assert any("\u4e00" <= sign <= "\u9fff" for sign in text), f"{name}: {text}"


def test_a_file_in_the_place_of_a_text_is_no_text(bare_app: Flask) -> None:
    with bare_app.test_request_context(
        method="POST", data={"title": (io.BytesIO(b"x"), "a.txt"), "report": (io.BytesIO(b"y"), "b.pdf")}
    ):
        form = SampleForm()
        form.validate()
        assert not form.title.data and form.title.errors
        assert form.report.data.filename == "b.pdf"


def test_catalogues_are_compiled_by_content_not_by_age(tmp_path: Path) -> None:
    folder = tmp_path / "source" / "zh_Hans_CN" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    catalogue, target = folder / "app.po", tmp_path / "target"
    catalogue.write_text(head + 'msgid "a"\nmsgstr "甲"\n')
    compile_catalogues(tmp_path / "source", target)
    compiled = target / "zh_Hans_CN" / "LC_MESSAGES" / "messages.mo"
    before = compiled.read_bytes()
    catalogue.write_text(head + 'msgid "a"\nmsgstr "乙"\n')
    os.utime(catalogue, (1, 1))
    compile_catalogues(tmp_path / "source", target)
    assert compiled.read_bytes() != before
