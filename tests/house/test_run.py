"""run.py starts the product from nothing but Python, and says in one line what is missing."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import run

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.txt", "requirements-dev.txt", "assets.txt")


def told(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(ROOT / "run.py"), *words], capture_output=True, text=True)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_by_hash_and_no_place_is_named(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert "index-url" not in text
    pins = re.findall(r"^[A-Za-z0-9].*$", text, re.MULTILINE)
    assert pins
    for pin in pins:
        assert re.match(r"[a-z0-9._-]+==[^ ]+", pin)
        assert "--hash=sha256:" in run.locked_block(lock, pin.split("==")[0])


def test_the_locks_hold_what_is_asked_for_and_agree() -> None:
    pins = {
        lock: dict(re.findall(r"^([a-z0-9._-]+)==([^ ;]+)", (ROOT / lock).read_text(), re.MULTILINE))
        for lock in LOCKS
    }
    for source, lock in (("requirements.in", LOCKS[0]), ("requirements-dev.in", LOCKS[1])):
        for name in re.findall(r"^([A-Za-z][A-Za-z0-9-]*)", (ROOT / source).read_text(), re.MULTILINE):
            assert name.lower() in pins[lock], (
                f"{name} is in {source} and not in {lock}; run: python3 run.py lock"
            )
    assert pins[LOCKS[0]].items() <= pins[LOCKS[1]].items()


def test_run_needs_the_standard_library_alone() -> None:
    names = set(re.findall(r"^\s*(?:import|from) (\w+)", (ROOT / "run.py").read_text(), re.MULTILINE))
    assert names <= sys.stdlib_module_names


def test_no_verb_and_a_wrong_word_are_told_at_once() -> None:
    assert told().returncode == 2
    wrong = told("demo", "--nope")
    assert wrong.returncode == 2
    assert "unrecognized arguments: --nope" in wrong.stderr
    for verb in run.VERBS:
        assert verb in told("--help").stdout


def test_an_unknown_check_is_refused_with_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "setup", lambda profile: None)
    with pytest.raises(SystemExit, match="no such check: spelling; there are ruff, format, mypy"):
        run.do_check(None, ["spelling"])


def test_servers_listen_on_this_machine_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setitem(
        run.VERBS, "serve", (lambda options, rest: seen.append(options.host), "", run.server_options)
    )
    run.main(["serve"])
    run.main(["serve", "--host", "0.0.0.0"])
    assert seen == ["127.0.0.1", "0.0.0.0"]


def test_a_user_is_told_the_one_line_to_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "debian_root", lambda: False)
    monkeypatch.setattr(run.shutil, "which", lambda name: "/usr/bin/apt-get")
    assert not run.apt_install(["libpango-1.0-0"], "writing PDF files")
    assert capsys.readouterr().err == (
        "run.py: writing PDF files needs: sudo apt-get install -y libpango-1.0-0\n"
    )


def test_without_venv_the_reason_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(run, "PYTHON", tmp_path / "python")
    monkeypatch.setattr(run, "apt_install", lambda packages, purpose: False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="no venv module"):
        run.make_venv()


def test_the_children_see_one_instance_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("APP_INSTANCE", raising=False)
    assert run.environment()["APP_INSTANCE"] == str(ROOT / "instance")
    monkeypatch.setenv("APP_INSTANCE", "/somewhere")
    assert run.environment(APP_DEMO="1")["APP_INSTANCE"] == "/somewhere"
