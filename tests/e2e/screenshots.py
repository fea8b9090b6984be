"""Pictures of the demonstration world: ``python3 run.py screenshots [--all FOLDER]``.

Without words it writes the few of the read-me to docs/screenshots/, each below 200 kB. ``--all``
writes contact sheets of every page, wide and on a phone, in both languages, to be looked at; and
each page by itself, for what looks odd on a sheet.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Iterable
from itertools import groupby
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
PER_SHEET = 12
DRAWN = (
    """() => [...document.querySelectorAll(".chart__plot")].every(plot => plot.querySelector("svg, img"))"""
)


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


def every(live: world.Live, browser: Browser, folder: Path, places: Iterable[walk.Place]) -> None:
    """Each of these pages at both widths in both languages: as a picture of its own, and on sheets of twelve."""
    ordered = sorted(places, key=lambda place: (place.login, place.endpoint))
    for width in (1280, 390):
        for language in ("zh", "en"):
            own = folder / f"{width}-{language}"
            own.mkdir(parents=True, exist_ok=True)
            for login, pages in groupby(ordered, key=lambda place: place.login):
                context = live.context(browser, login, width=width, language=language)
                page = context.new_page()
                for place in pages:
                    page.goto(live.base + place.url)
                    page.wait_for_function(DRAWN)
                    path = own / f"{place.endpoint}.jpg"
                    page.screenshot(path=path, full_page=True, type="jpeg", quality=85)
                context.close()
            shown = sorted(ordered, key=lambda place: place.endpoint)
            for number, start in enumerate(range(0, len(shown), PER_SHEET), 1):
                path = folder / f"{width}-{language}-{number:02d}.png"
                _sheet(own, shown[start : start + PER_SHEET], wide=width > 720).save(path)
                print(path, flush=True)


def _sheet(pictures: Path, places: list[walk.Place], *, wide: bool) -> Image.Image:
    """Pages side by side at a size to read, each with its address above; a long one is cut."""
    columns, cell, tallest = (4, 640, 960) if wide else (6, 300, 1500)
    images = []
    for place in places:
        with Image.open(pictures / f"{place.endpoint}.jpg") as picture:
            scale = (cell - 8) / picture.width
            image = picture.crop((0, 0, picture.width, min(picture.height, round(tallest / scale))))
            images.append(image.resize((cell - 8, round(image.height * scale)), Image.Resampling.LANCZOS))
    rows = [images[start : start + columns] for start in range(0, len(images), columns)]
    heights = [max(image.height for image in row) + 24 for row in rows]
    paper = Image.new("RGB", (columns * cell, sum(heights)), "#cccccc")
    pen, top = ImageDraw.Draw(paper), 0
    for row, height in zip(rows, heights, strict=True):
        for column, image in enumerate(row):
            place = places[rows.index(row) * columns + column]
            pen.text(
                (column * cell + 4, top + 6), f"{place.login or 'nobody'} {place.url}"[: cell // 6], "black"
            )
            paper.paste(image, (column * cell, top + 24))
        top += height
    return paper


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
                found = walk.find_all(live, each=2, share=4)
                every(live, browser, options.all, walk.one_of_each(found.pages, live.app))
            else:
                few(live, browser)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
