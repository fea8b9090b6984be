"""How names sort: by pinyin, surnames as surnames are read."""

from __future__ import annotations

from functools import lru_cache

from pypinyin import lazy_pinyin

# Surnames that the dictionary reads as ordinary words.
_SURNAMES = {
    "单": "shan", "仇": "qiu", "解": "xie", "曾": "zeng", "查": "zha", "区": "ou", "朴": "piao", "盖": "ge",
    "任": "ren", "华": "hua", "种": "chong", "翟": "zhai", "乐": "yue", "尉迟": "yu chi", "万俟": "mo qi",
    "长孙": "zhang sun", "令狐": "ling hu",
}  # fmt: skip


@lru_cache(maxsize=16_384)
def sort_key(name: str, *, personal: bool = False) -> str:
    """Pinyin syllables with blanks between, at most 160 characters; ``personal`` reads the surname."""
    name = name.strip()
    start: list[str] = []
    if personal:
        for length in (2, 1):
            if name[:length] in _SURNAMES:
                start, name = [_SURNAMES[name[:length]]], name[length:]
                break
    return " ".join(start + [part.strip().lower() for part in lazy_pinyin(name) if part.strip()])[:160]
