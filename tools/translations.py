"""Translations: one catalogue per floor, from English message ids.

python -m tools.translations check     every text of code and templates has its translation, with the same placeholders
python -m tools.translations missing   the texts that have no translation yet, as .po entries to fill in
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("core", "registry", "finance", "grants", "projects", "evaluation", "app", "templates")
METHODS = [("**.py", "python"), ("**.html", "jinja2"), ("**.txt", "jinja2")]
JINJA = {"encoding": "utf-8", "silent": "false", "extensions": "jinja2.ext.do,jinja2.ext.loopcontrols"}
OPTIONS = {"**.html": JINJA, "**.txt": JINJA}
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "_": None,
    "_l": None,
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
    "lazy_pgettext": ((1, "c"), 2),
    "N_": None,
    "Message": None,
}


def catalogues(root: Path = ROOT) -> dict[Path, Catalog]:
    found = {}
    for path in sorted((root / "translations").glob("*/LC_MESSAGES/*.po")):
        with path.open("rb") as source:
            found[path] = read_po(source, locale=path.parts[-3], domain=path.stem)
    return found


def used(root: Path = ROOT) -> dict[tuple[str | None, str], str]:
    """Every (context, message id) of code and templates, with the place of its first use."""
    found: dict[tuple[str | None, str], str] = {}
    for folder in SOURCES:
        if not (root / folder).is_dir():
            continue
        for file, line, message, _, context in extract_from_dir(
            str(root / folder), METHODS, OPTIONS, KEYWORDS
        ):
            for text in (message,) if isinstance(message, str) else message[:1]:
                found.setdefault((context, text), f"{folder}/{file}:{line}")
    return found


def translated(message: Message) -> bool:
    texts = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return not message.fuzzy and all(texts)


def singular(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def problems(root: Path = ROOT) -> Iterator[str]:
    known: dict[tuple[str | None, str], tuple[Path, Message]] = {}
    for path, catalogue in catalogues(root).items():
        shown = path.relative_to(root)
        for message in catalogue:
            if not message.id:
                continue
            text = singular(message)
            if not translated(message):
                state = "is marked fuzzy" if message.fuzzy else "is empty"
                yield f"{shown}:{message.lineno}: the translation of {text!r} {state}"
            elif message.python_format or message.pluralizable:
                for error in message.check(catalogue):
                    yield f"{shown}:{message.lineno}: {text!r}: {error}"
            key = (message.context, text)
            if key in known and known[key][1].string != message.string:
                yield f"{shown}:{message.lineno}: {text!r} is translated otherwise in {known[key][0].name}"
            known.setdefault(key, (path, message))
    for (context, text), place in used(root).items():
        if (context, text) not in known:
            yield f"{place}: no translation of {text!r}"


def missing(root: Path = ROOT) -> Iterator[str]:
    known = {(m.context, singular(m)) for c in catalogues(root).values() for m in c if m.id and translated(m)}
    for (context, text), place in used(root).items():
        if (context, text) not in known:
            quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            yield f'#: {place}\nmsgid "{quoted}"\nmsgstr ""\n'


def main(words: list[str]) -> int:
    match words:
        case ["check"]:
            found = list(problems())
            print("\n".join(found) or "translations complete")
            return bool(found)
        case ["missing"]:
            print("\n".join(missing()))
            return 0
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
