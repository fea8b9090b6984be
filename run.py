#!/usr/bin/env python3
"""Start, test and check Shanzhi 善治. Standard library only; `python3 run.py` lists the verbs."""

import argparse
import contextlib
import ctypes
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - this file is what tells so
    sys.exit("Shanzhi needs Python 3.11 or newer; this is Python " + platform.python_version() + ".")

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
ASSETS = VENV / "assets"
STAMP = VENV / "setup.json"
LOCKS = {"runtime": "requirements.txt", "dev": "requirements-dev.txt"}
PDF_LIBRARIES = {
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
    "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
}


def fail(sentence):
    sys.exit(f"run.py: {sentence}")


def say(sentence):
    print(f"run.py: {sentence}", file=sys.stderr, flush=True)


# --- the machine ---------------------------------------------------------------------------------


def debian_root():
    return shutil.which("apt-get") is not None and hasattr(os, "geteuid") and os.geteuid() == 0


def apt_install(packages, purpose):
    """Install Debian packages; say how to do it by hand where that is not possible. True when installed."""
    if not debian_root():
        if shutil.which("apt-get"):
            say(f"{purpose} needs: sudo apt-get install -y {' '.join(packages)}")
        else:
            say(f"{purpose} needs the system packages that Debian calls {' '.join(packages)}.")
        return False
    say(f"installing {' '.join(packages)} ({purpose})")
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    for command in (["apt-get", "update", "-qq"], install):
        done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
            say(f"'{' '.join(command)}' failed: {last}")
    return done.returncode == 0


def missing_pdf_packages():
    if not sys.platform.startswith("linux"):
        return []
    missing = []
    for library, package in PDF_LIBRARIES.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(package)
    return missing


def find_chromium():
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def ensure_browser():
    """The browser tests skip without Chromium on a laptop and fail without it under CI=true."""
    missing = [] if find_chromium() else ["chromium"]
    if sys.platform.startswith("linux"):
        try:
            ctypes.CDLL("libatomic.so.1")
        except OSError:
            missing.append("libatomic1")
    if missing:
        apt_install(missing, "testing in a browser")


# --- the environment -----------------------------------------------------------------------------


def run(command, env=None, **options):
    """Run a child to its end; a failure ends this program with the child's exit code."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, env=env, **options)
    if done.returncode:
        shown = " ".join(Path(str(part)).name if os.sep in str(part) else str(part) for part in command)
        say(f"'{shown}' failed with exit code {done.returncode}.")
        sys.exit(done.returncode if done.returncode > 0 else 1)


def become(command, env):
    """Replace this process, so that a signal reaches the program itself and nothing is left behind."""
    command = [str(part) for part in command]
    os.chdir(ROOT)
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "nt":
        sys.exit(subprocess.run(command, env=env).returncode)
    os.execve(command[0], command, env)


def digest(*names):
    return hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in names)).hexdigest()


def read_stamp():
    try:
        return json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}


@contextlib.contextmanager
def setup_lock():
    """One set-up at a time in one folder."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with (ROOT / ".setup.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def make_venv():
    if PYTHON.exists() and subprocess.run([str(PYTHON), "-c", ""], capture_output=True).returncode == 0:
        return
    if importlib.util.find_spec("ensurepip") is None and not apt_install(["python3-venv"], "making .venv"):
        fail("this Python has no venv module with pip; install it (Debian: python3-venv) and run again.")
    say("making .venv")
    clear = ["--clear"] if VENV.exists() else []
    made = subprocess.run(
        [sys.executable, "-m", "venv", *clear, str(VENV)], cwd=ROOT, capture_output=True, text=True
    )
    if made.returncode:
        fail(f"cannot make .venv: {(made.stdout + made.stderr).strip().splitlines()[-1]}")


def locked_block(lock, package):
    """The lines of one package in a lock file: its pin and its hashes."""
    block: list[str] = []
    for line in (ROOT / lock).read_text().splitlines():
        if line.startswith(f"{package}==") or (block and line.startswith("    --hash=")):
            block.append(line)
        elif block:
            break
    if not block:
        fail(f"{lock} does not pin {package}; run: python3 run.py lock")
    return "\n".join(block).rstrip("\\ ") + "\n"


def uv(*arguments, env=None):
    run([PYTHON, "-m", "uv", *arguments], env=(env or os.environ) | {"UV_HTTP_TIMEOUT": "180"})


def has_uv(pin):
    told = subprocess.run([str(PYTHON), "-m", "uv", "--version"], capture_output=True, text=True)
    return told.returncode == 0 and pin in told.stdout


def install_uv():
    block = locked_block("requirements.txt", "uv")
    if has_uv(block.split()[0].removeprefix("uv==")):
        return
    with tempfile.TemporaryDirectory() as folder:
        pinned = Path(folder) / "uv.txt"
        pinned.write_text(block)
        run(
            [
                PYTHON,
                "-m",
                "pip",
                "install",
                "-qq",
                "--disable-pip-version-check",
                "--require-hashes",
                "-r",
                pinned,
            ]
        )


def setup(profile):
    """Bring .venv to the locked state. Fast when nothing changed; a dev environment also serves at run time."""
    with setup_lock():
        wanted = {name: digest(lock, "assets.txt") for name, lock in LOCKS.items()}
        stamp = read_stamp()
        if PYTHON.exists() and profile != "dev" and stamp.get("profile") == "dev":
            profile = "dev"
        current = {"profile": profile, "locks": wanted[profile], "python": platform.python_version()}
        if stamp != current or not PYTHON.exists():
            STAMP.unlink(missing_ok=True)
            make_venv()
            install_uv()
            say(f"installing {LOCKS[profile]}")
            uv("pip", "sync", "-q", "--require-hashes", "--python", PYTHON, LOCKS[profile])
            shutil.rmtree(ASSETS, ignore_errors=True)
            uv(
                *("pip", "install", "-q", "--require-hashes", "--no-deps", "--python", PYTHON),
                *("--target", ASSETS, "-r", "assets.txt"),
            )
            STAMP.write_text(json.dumps(current))
        missing = missing_pdf_packages()
        if missing:
            apt_install(missing, "writing PDF files")


def lock(arguments):
    """Rewrite the lock files from requirements.in, requirements-dev.in and the pins of assets.txt."""
    make_venv()
    install_uv()
    compile_one = (
        *("pip", "compile", "-q", "--universal", "--python-version", "3.11", "--generate-hashes"),
        *("--python", PYTHON, "--custom-compile-command", "python3 run.py lock", *arguments),
    )
    uv(*compile_one, "requirements.in", "-o", "requirements.txt")
    uv(*compile_one, "requirements-dev.in", "-o", "requirements-dev.txt")
    pins = [line.split()[0] for line in (ROOT / "assets.txt").read_text().splitlines() if line[:1].isalpha()]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "assets.in"
        source.write_text("\n".join(pins) + "\n")
        uv(*compile_one, "--no-deps", "--no-annotate", source, "-o", "assets.txt")


def environment(**extra):
    """What the children see: one instance folder, and the Flask application by name."""
    env = dict(os.environ)
    env.setdefault("APP_INSTANCE", str(ROOT / "instance"))
    env.setdefault("FLASK_APP", "wsgi:app")
    env["PATH"] = f"{BIN}{os.pathsep}{env.get('PATH', '')}"
    env["PYTHONPATH"] = os.pathsep.join(part for part in (str(ROOT), env.get("PYTHONPATH", "")) if part)
    env.pop("PYTHONHOME", None)
    env.update(extra)
    return env


def need_app():
    if not (ROOT / "wsgi.py").exists():
        fail("there is no wsgi.py here yet, so there is nothing to serve.")


def prepare(env):
    """What every start needs beside the packages: the instance folder and the fonts in it."""
    Path(env["APP_INSTANCE"]).mkdir(mode=0o700, parents=True, exist_ok=True)
    fonts = Path(env["APP_INSTANCE"]) / "fonts" / digest("requirements.txt")[:12]
    if (ROOT / "wsgi.py").exists() and not fonts.exists():
        run([PYTHON, "-m", "flask", "documents", "fonts"], env=env, stdout=subprocess.DEVNULL)
        fonts.parent.mkdir(parents=True, exist_ok=True)
        fonts.touch()


def worker_beside(env):
    """Start a worker that ends with the server: this process becomes the server and stays its parent."""
    command = [PYTHON, "-m", "flask", "jobs", "work", "--beside", os.getpid()]
    subprocess.Popen([str(part) for part in command], cwd=ROOT, env=env, stdin=subprocess.DEVNULL)


def granian(options, env):
    """Threads are bounded by what the database pool of one process can feed; a stuck worker is killed when stopping."""
    env.setdefault("GRANIAN_BLOCKING_THREADS", "8")
    env.setdefault("GRANIAN_BACKPRESSURE", "64")
    env.setdefault("GRANIAN_WORKERS_KILL_TIMEOUT", "10")
    command = (
        *(PYTHON, "-m", "granian", "--interface", "wsgi", "--no-ws", "--respawn-failed-workers"),
        *("--host", options.host, "--port", options.port, "--workers", options.workers, "wsgi:app"),
    )
    if not options.no_worker:
        worker_beside(env)
    become(command, env)


# --- the verbs -----------------------------------------------------------------------------------


def do_setup(options, rest):
    setup("dev" if options.dev else "runtime")
    if not options.packages_only:
        prepare(environment())
    say(f"ready: {PYTHON.relative_to(ROOT)}")


def do_demo(options, rest):
    need_app()
    setup("runtime")
    env = environment(APP_DEMO="1")
    env.setdefault("APP_ENV", "development")
    prepare(env)
    run([PYTHON, "-m", "flask", "db", "upgrade"], env=env)
    run([PYTHON, "-m", "flask", "seed", "--world", "demo"], env=env)
    shown = "127.0.0.1" if options.host in ("0.0.0.0", "::") else options.host
    say(f"open http://{shown}:{options.port}/ (Ctrl-C stops)")
    granian(options, env)


def revisions(which, env):
    """The migrations that `flask db current` or `flask db heads` names."""
    told = subprocess.run(
        [str(PYTHON), "-m", "flask", "db", which], cwd=ROOT, env=env, capture_output=True, text=True
    )
    if told.returncode:
        last = (told.stderr.strip() or told.stdout.strip() or "no message").splitlines()[-1]
        fail(f"cannot read the state of the database: {last}")
    return {line.split()[0] for line in told.stdout.splitlines() if line.strip()}


def do_serve(options, rest):
    need_app()
    setup("runtime")
    env = environment()
    prepare(env)
    if revisions("current", env) != revisions("heads", env):
        fail("the database is not at the newest migration; run: python3 run.py flask db upgrade")
    granian(options, env)


def do_worker(options, rest):
    need_app()
    setup("runtime")
    env = environment()
    prepare(env)
    become([PYTHON, "-m", "flask", "jobs", "work", *rest], env)


def do_flask(options, rest):
    setup("runtime")
    become([PYTHON, "-m", "flask", *rest], environment())


def do_test(options, rest):
    setup("dev")
    ensure_browser()
    env = environment()
    del env["FLASK_APP"]
    if "APP_INSTANCE" not in os.environ:
        del env["APP_INSTANCE"]
    become([PYTHON, "-m", "pytest", *rest], env)


def do_check(options, rest):
    setup("dev")
    env = environment()
    checks: dict[str, list[str | Path]] = {
        "ruff": [PYTHON, "-m", "ruff", "check", "."],
        "format": [PYTHON, "-m", "ruff", "format", "--check", "."],
        "mypy": [PYTHON, "-m", "mypy"],
        "imports": [BIN / "lint-imports"],
        "templates": [PYTHON, "-m", "djlint", "templates", "--lint", "--quiet"],
        "translations": [PYTHON, "-m", "tools.translations", "check"],
    }
    unknown = set(rest) - set(checks)
    if unknown:
        fail(f"no such check: {', '.join(sorted(unknown))}; there are {', '.join(checks)}.")
    if not (ROOT / "templates").exists():
        del checks["templates"]
    failed = []
    for name, command in checks.items():
        if rest and name not in rest:
            continue
        print(f"--- {name}", flush=True)
        if subprocess.run([str(part) for part in command], cwd=ROOT, env=env).returncode:
            failed.append(name)
    if failed:
        fail(f"checks that failed: {', '.join(failed)}")
    print("all checks passed", flush=True)


def campaign(folder, rest):
    """Benchmarks and soak tests are modules in their folder; run.py there picks one by name."""
    place = ROOT / "tests" / folder
    if not (place / "run.py").exists():
        names = sorted(path.stem for path in place.glob("*.py") if path.stem != "__init__")
        fail(f"tests/{folder} has no run.py; campaigns there: {', '.join(names) or 'none yet'}.")
    setup("dev")
    become([PYTHON, "-m", f"tests.{folder}.run", *rest], environment())


def do_bench(options, rest):
    campaign("bench", rest)


def do_soak(options, rest):
    campaign("soak", rest)


def do_screenshots(options, rest):
    setup("dev")
    ensure_browser()
    env = environment()
    become([PYTHON, "-m", "tests.e2e.screenshots", *rest], env)


def do_lock(options, rest):
    lock(rest)


def server_options(parser):
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", default="8000", help="port to listen on (default 8000)")
    parser.add_argument("--workers", default="2", help="server processes (default 2)")
    parser.add_argument(
        "--no-worker",
        action="store_true",
        help="no background worker beside the server; start `run.py worker` yourself",
    )


VERBS: dict[str, tuple[Callable, str, Callable | None]] = {
    "demo": (do_demo, "set up, migrate, fill with the demonstration world, and serve", server_options),
    "setup": (do_setup, "make .venv and install the locked packages", None),
    "serve": (do_serve, "serve, when the database is at the newest migration", server_options),
    "worker": (do_worker, "work through background jobs", None),
    "flask": (do_flask, "the Flask command line, e.g. flask db upgrade", None),
    "test": (do_test, "run the tests; further words go to pytest", None),
    "check": (do_check, "ruff, format, mypy, imports, templates, translations (all, or those named)", None),
    "bench": (do_bench, "run a benchmark of tests/bench", None),
    "soak": (do_soak, "run a long campaign of tests/soak", None),
    "screenshots": (do_screenshots, "pictures of the demonstration world; --all FOLDER for every page", None),
    "lock": (do_lock, "rewrite the lock files; further words go to uv, e.g. --upgrade", None),
}
PASS_ON = {"flask", "test", "check", "bench", "soak", "screenshots", "lock", "worker"}


def main(words):
    parser = argparse.ArgumentParser(prog="run.py", description="Start, test and check Shanzhi 善治.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="verb")
    for name, (_, told, add_options) in VERBS.items():
        verb = verbs.add_parser(name, help=told, add_help=name not in PASS_ON)
        if add_options:
            add_options(verb)
        if name == "setup":
            verb.add_argument("--dev", action="store_true", help="with the tools for tests and checks")
            verb.add_argument("--packages-only", action="store_true", help="without the fonts")
    if words and words[0] in PASS_ON:
        options, rest = argparse.Namespace(verb=words[0]), words[1:]
    else:
        options, rest = parser.parse_args(words), []
    try:
        VERBS[options.verb][0](options, rest)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main(sys.argv[1:])
