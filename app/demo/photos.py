"""Pictures for demonstration records: a plain drawing, made here, that shows nobody."""

from __future__ import annotations

import struct
import zlib

WIDTH, HEIGHT = 320, 200
_TONES = ((20, 80, 107), (94, 159, 176), (193, 137, 43), (117, 102, 154), (109, 140, 87))


def photo(number: int) -> bytes:
    """A PNG of a hill and a sun whose place and tone follow from ``number``."""
    tone = _TONES[number % len(_TONES)]
    sun_x, sun_y = 40 + number * 37 % 240, 30 + number * 13 % 40
    rows = []
    for y in range(HEIGHT):
        row = bytearray([0])
        for x in range(WIDTH):
            hill = HEIGHT - 60 - abs((x + number * 29) % 200 - 100) // 3
            if y > hill:
                row += bytes(tone)
            elif (x - sun_x) ** 2 + (y - sun_y) ** 2 < 400:
                row += bytes((250, 214, 120))
            else:
                row += bytes((225 - y // 8, 235 - y // 12, 242))
        rows.append(bytes(row))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)),
            _chunk(b"IDAT", zlib.compress(b"".join(rows), 6)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
