"""Pictures of the demonstration world: ``python3 run.py screenshots [--all FOLDER]``.

Without words it writes the few of the read-me to docs/screenshots/, each below 200 kB. ``--all``
writes contact sheets of every page, wide and on a phone, in both languages, to be looked at.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Browser

from tests.e2e import live as world
from tests.e2e import walk

PLACE = world.ROOT / "docs" / "screenshots"
# name: who, endpoint, width, height
SHOWN = {
    "home": ("clerk", "home.show", 1280, 800),
    "application": ("clerk", "applications.show", 1280, 900),
    "ratio": ("clerk", "ratios.show", 1280, 900),
    "payments": ("leader", "disbursements.show", 1280, 900),
    "score": ("expert01", "reviews.score", 1280, 900),
    "portal": ("", "portal.show", 1280, 900),
    "record": ("op01", "delivery.record", 390, 844),
}
LIMIT = 200_000


def shoot(
    live: world.Live,
    browser: Browser,
    place: walk.Place,
    *,
    width: int,
    language: str,
    height: int | None = None,
) -> bytes:
    context = live.context(browser, place.login, width=width, language=language)
    page = context.new_page()
    if height:
        page.set_viewport_size({"width": width, "height": height})
    page.goto(live.base + place.url)
    picture = page.screenshot(full_page=height is None)
    context.close()
    return picture


def small(picture: bytes) -> bytes:
    """The same picture with few colours, below the limit."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    for colours in (128, 64, 32, 16):
        output = io.BytesIO()
        image.quantize(colours, dither=Image.Dither.NONE).save(output, "PNG", optimize=True)
        if output.tell() < LIMIT:
            break
    return output.getvalue()


def few(live: world.Live, browser: Browser) -> None:
    PLACE.mkdir(parents=True, exist_ok=True)
    for name, (login, endpoint, width, height) in SHOWN.items():
        pages = [place for place in walk.find(live, login, each=4).pages if place.endpoint == endpoint]
        if not pages:
            raise SystemExit(f"no {endpoint} is linked for {login or 'nobody'}")
        picture = small(shoot(live, browser, pages[0], width=width, language="zh", height=height))
        (PLACE / f"{name}.png").write_bytes(picture)
        print(f"docs/screenshots/{name}.png {len(picture) // 1000} kB {pages[0].url}", flush=True)


def every(live: world.Live, browser: Browser, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    places = walk.one_of_each(walk.find_all(live, each=2, share=4).pages, live.app)
    for width in (1280, 390):
        for language in ("zh", "en"):
            pictures = (
                (place, shoot(live, browser, place, width=width, language=language)) for place in places
            )
            for number, sheet in enumerate(_sheets(pictures, columns=5 if width > 720 else 10), 1):
                path = folder / f"{width}-{language}-{number:02d}.png"
                sheet.save(path)
                print(path, flush=True)


def _sheets(pictures: Iterator[tuple[walk.Place, bytes]], columns: int) -> Iterator[Image.Image]:
    """Two rows of pages a sheet, each cut to twice its width, its address above."""
    cell = 2000 // columns
    tall = cell * (2 if columns < 8 else 4)
    held: list[tuple[str, Image.Image]] = []

    def sheet() -> Image.Image:
        paper = Image.new("RGB", (2000, 2 * (tall + 24)), "#cccccc")
        pen = ImageDraw.Draw(paper)
        for index, (name, image) in enumerate(held):
            x, y = index % columns * cell, index // columns * (tall + 24)
            pen.text((x + 4, y + 6), name, fill="black")
            paper.paste(image, (x, y + 24))
        return paper

    for place, picture in pictures:
        image = Image.open(io.BytesIO(picture)).convert("RGB")
        image = image.crop((0, 0, image.width, min(image.height, image.width * tall // cell)))
        image.thumbnail((cell - 6, tall))
        held.append((f"{place.login or 'nobody'} {place.endpoint}", image))
        if len(held) == 2 * columns:
            yield sheet()
            held.clear()
    if held:
        yield sheet()


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="run.py screenshots", description=__doc__)
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="contact sheets of every page")
    parser.add_argument("--instance", type=Path, help="an instance folder with the demonstration world")
    options = parser.parse_args(words)
    if world.chromium() is None:
        print("no Chromium on this machine (Debian: apt install chromium)", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        instance = options.instance or world.tell_the_world(Path(folder))
        with world.live(instance) as live, world.started_browser() as browser:
            if options.all:
                every(live, browser, options.all)
            else:
                few(live, browser)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
