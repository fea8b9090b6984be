"""Printed documents have static Chinese fonts: a quick subset first, the whole font behind it."""

from pathlib import Path

from flask import Flask
from fontTools.ttLib import TTFont

from core.documents import commands, fonts


def codes(path: Path) -> set[int]:
    with TTFont(path, lazy=True) as font:
        assert "fvar" not in font, f"{path.name} is a variable font, which makes each PDF take seconds"
        return set(font.getBestCmap())


def test_the_subsets_hold_gb2312_and_the_signs_of_official_documents(tmp_path: Path) -> None:
    song, hei, whole_song, whole_hei = fonts.ensure_fonts(tmp_path)
    for small, whole in ((song, whole_song), (hei, whole_hei)):
        assert small.stat().st_size < whole.stat().st_size / 3
        assert codes(small) == codes(whole) & fonts.characters()
        assert {
            ord(character) for character in "甲方乙丙养老服务政府购买〇①（）《》〔2026〕号￥¥℃□"
        } <= codes(small)
        hanzi = [code for code in fonts.characters() if 0x4E00 <= code <= 0x9FFF]
        assert len(hanzi) == 6763
        assert set(hanzi) <= codes(small)


def test_a_rare_name_is_left_to_the_whole_font(tmp_path: Path) -> None:
    song, _, whole, _ = fonts.ensure_fonts(tmp_path)
    assert ord("祎") not in codes(song)
    assert ord("祎") in codes(whole)


def test_the_work_is_done_once_and_stale_files_go(tmp_path: Path) -> None:
    first = fonts.ensure_fonts(tmp_path)
    written = [path.stat().st_mtime_ns for path in first]
    (tmp_path / "fonts" / "song-000000000000.otf").touch()
    assert fonts.ensure_fonts(tmp_path) == first
    assert [path.stat().st_mtime_ns for path in first] == written
    assert sorted((tmp_path / "fonts").iterdir()) == sorted(first[:2])


def test_the_rules_of_a_document_name_files_that_are_there(tmp_path: Path) -> None:
    rules = fonts.font_faces(tmp_path)
    for path in fonts.ensure_fonts(tmp_path):
        assert path.resolve().as_uri() in rules
    assert (
        f'"{fonts.SONG}"; font-weight: bold; src: url("{fonts.ensure_fonts(tmp_path)[1].as_uri()}")' in rules
    )


def test_the_command_writes_them_into_the_instance_folder(tmp_path: Path) -> None:
    app = Flask(__name__, instance_path=str(tmp_path))
    app.cli.add_command(commands.cli)
    result = app.test_cli_runner().invoke(args=["documents", "fonts"])
    assert result.exit_code == 0, result.output
    assert len(list((tmp_path / "fonts").glob("*.otf"))) == 2
