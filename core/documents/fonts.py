"""The Chinese fonts of printed documents.

Song (for text) and Hei (for headings and bold) come as static OpenType files in a package; a whole file is 8 to 12 MB and slow to embed.
`ensure_fonts` writes a subset of each into the instance folder once: every character of GB 2312 and the symbols of
official documents. A rare character, such as one in a person's name, falls through to the whole font behind it.
"""

import hashlib
import os
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pylopdf_fonts_zh_cn
import uharfbuzz

SONG = "Shanzhi Song"
HEI = "Shanzhi Hei"
WHOLE = "Whole"

SONG_STACK = f'FangSong_GB2312, FangSong, STFangsong, "{SONG}", "{SONG} {WHOLE}"'
HEI_STACK = f'"{HEI}", "{HEI} {WHOLE}"'

# Latin, punctuation, signs, arrows, mathematics, circled numbers, lines and boxes, ticks, CJK signs, units, full-width forms.
SYMBOLS = (
    (0x20, 0x7E),
    (0xA0, 0x17F),
    (0x1CD, 0x1DC),
    (0x2000, 0x206F),
    (0x20A0, 0x20BF),
    (0x2100, 0x22FF),
    (0x2460, 0x26FF),
    (0x2713, 0x2718),
    (0x3000, 0x303F),
    (0x3220, 0x33FF),
    (0xFE30, 0xFE4F),
    (0xFF01, 0xFFEF),
)


def sources() -> dict[str, Path]:
    return {"song": pylopdf_fonts_zh_cn.serif_path(), "hei": pylopdf_fonts_zh_cn.sans_path()}


@cache
def characters() -> frozenset[int]:
    """Every character of GB 2312, and SYMBOLS."""
    rows = (bytes([row, cell]) for row in range(0xA1, 0xF8) for cell in range(0xA1, 0xFF))
    standard = {ord(character) for pair in rows for character in pair.decode("gb2312", "ignore")}
    return frozenset(standard | {code for first, last in SYMBOLS for code in range(first, last + 1)})


def ensure_fonts(instance: Path) -> list[Path]:
    """Song and Hei: the subsets in the instance folder, written when missing, then the whole fonts behind them."""
    folder = Path(instance) / "fonts"
    folder.mkdir(parents=True, exist_ok=True)
    subsets = {name: folder / f"{name}-{_edition()}.otf" for name in sources()}
    for name, source in sources().items():
        if not subsets[name].exists():
            _write(subsets[name], _subset(source.read_bytes()))
    for old in set(folder.glob("*.otf")) - set(subsets.values()):
        old.unlink(missing_ok=True)
    return [*subsets.values(), *sources().values()]


def font_faces(instance: Path) -> str:
    """The @font-face rules of a printed document; bold Song is Hei, as Chinese typography has it."""
    song, hei, whole_song, whole_hei = ensure_fonts(instance)
    faces = [
        (SONG, "normal", song),
        (SONG, "bold", hei),
        (HEI, "normal", hei),
        (HEI, "bold", hei),
        (f"{SONG} {WHOLE}", "normal", whole_song),
        (f"{SONG} {WHOLE}", "bold", whole_hei),
        (f"{HEI} {WHOLE}", "normal", whole_hei),
        (f"{HEI} {WHOLE}", "bold", whole_hei),
    ]
    return "\n".join(
        f'@font-face {{ font-family: "{family}"; font-weight: {weight}; src: url("{path.resolve().as_uri()}"); }}'
        for family, weight, path in faces
    )


def _edition() -> str:
    """Changes with the fonts, the subsetter or the set of characters, so that a stale subset is never used."""
    parts = [version("pylopdf-fonts-zh-cn"), version("uharfbuzz"), repr(SYMBOLS)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _subset(data: bytes) -> bytes:
    wanted = uharfbuzz.SubsetInput()
    wanted.unicode_set.update(characters())
    return bytes(uharfbuzz.subset(uharfbuzz.Face(uharfbuzz.Blob(data)), wanted).blob.data)


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all: two starting processes may write the same subset."""
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "wb") as part:
        part.write(data)
    Path(name).chmod(0o644)
    Path(name).replace(path)
