"""Walks through the product by its own links and looks at each page as its reader meets it.

``find`` follows the links that a person is shown, without a browser; ``look`` opens a page in one
and says what is wrong with it. Both know no page by name.
"""

from __future__ import annotations

import json
import re
from collections import Counter, deque
from collections.abc import Container, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from axe_playwright_python.base import AXE_SCRIPT
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import BrowserContext, ConsoleMessage, Page
from sqlalchemy import JSON, DateTime, String, select, true
from werkzeug.exceptions import HTTPException

from core.access.policy import ROLES
from core.db import db
from registry.accounts.models import RoleAssignment, User
from tests.e2e.live import Live
from tools import translations

STARTS = ("/", "/home", "/public/")
# Leads to no other page, and is no page: files and health, and the switch of the language.
SKIPPED = {"web.set_language", "static", "bootstrap.static", "web.carried", "web.healthz"}
# Shown outside the product's own links, looked at by tests of their own: the page for developers, what follows a form,
# and what a form would change, which the form itself asks for.
UNLINKED = {
    "web.components",
    "portal.objected",
    "funds.what_if",
    "calls.what_if",
    "agreements.what_if",
    "agreements.changed_what_if",
    "agreements.contract_what_if",
    "decisions.what_if",
    "factors.code",
    "directory.suggest",
}
# What a thing without a state is told apart by: the first that it has.
CLASSES = ("register_class", "kind")


@dataclass(frozen=True)
class Place:
    """A page somebody is led to."""

    login: str
    url: str
    endpoint: str
    found_on: str


@dataclass
class Findings:
    """What a walk found: the pages, every endpoint that answered, and what is wrong."""

    pages: list[Place] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def written(self) -> str:
        """As JSON, for another process."""
        pages = [asdict(page) for page in self.pages]
        return json.dumps({"pages": pages, "answered": sorted(self.answered), "wrong": self.wrong})

    @classmethod
    def read(cls, written: str) -> Findings:
        told = json.loads(written)
        return cls([Place(**page) for page in told["pages"]], set(told["answered"]), told["wrong"])

    def __iadd__(self, other: Findings) -> Findings:
        self.pages += other.pages
        self.answered |= other.answered
        self.wrong += other.wrong
        return self


class Kinds:
    """Tells the kinds of an address: the same endpoint, the same questions, a thing in the same state.

    What a page offers follows from the state of its thing, so that one page of each state leads on to
    every page there is; more where it is of the reader's own unit. What a thing without a state offers
    follows from its class and, where the reader's unit may change it, from the rows that the page's own
    room keeps about it: it is of as many kinds.
    """

    def __init__(self, app: Flask) -> None:
        self.routes = app.url_map.bind("localhost")
        self.rooms = {name: _room(view.__module__) for name, view in app.view_functions.items()}
        tables = {table.name: table for table in db.metadata.sorted_tables if "id" in table.c}
        rooms = {
            mapper.local_table.name: _room(mapper.class_.__module__) for mapper in db.Model.registry.mappers
        }
        self.parts: dict[tuple[str, int], set[tuple[str, str]]] = {}
        self.units: dict[tuple[str, int], int] = {}
        with app.app_context():
            self.states = {
                table.name: {
                    row.id: row.state for row in db.session.execute(select(table.c.id, table.c.state))
                }
                for table in tables.values()
                if "state" in table.c
            }
            for table in tables.values():
                if "agency_id" in table.c:
                    of_unit = db.session.execute(select(table.c.id, table.c.agency_id))
                    self.units |= {(table.name, number): unit for number, unit in of_unit if unit}
                if table.name in self.states:
                    continue
                self.states[table.name] = {}
                columns = [name for name in CLASSES if name in table.c][:1]
                filled = [column.name for column in table.c if column.nullable and column.foreign_keys]
                for row in db.session.execute(select(table)).mappings():
                    kept = self.parts.setdefault((table.name, row["id"]), set())
                    kept.update(("", f"{name}={row[name]}") for name in columns)
                    kept.update((rooms[table.name], name) for name in filled if row[name])
            for table in db.metadata.sorted_tables:
                self._add_rows_about(table, rooms[table.name])

    def _add_rows_about(self, table: Any, room: str) -> None:
        for column in table.c:
            for key in column.foreign_keys:
                about = key.column.table.name
                if key.column.name != "id" or self.states.get(about):
                    continue
                # What has ended offers no page that ends it.
                ends = next((table.c[name] for name in ("until", "ended_on") if name in table.c), None)
                living = true() if ends is None else ends.is_(None)
                for number in db.session.scalars(select(column).where(living).distinct()):
                    if (about, number) in self.parts:
                        # A person's page leads to what any room keeps about them.
                        where = "" if about == "person" else room
                        self.parts[about, number].add((where, f"{table.name}.{column.name}"))

    def _match(self, url: str) -> tuple[str, dict[str, Any]]:
        try:
            endpoint, arguments = self.routes.match(urlsplit(url).path, method="GET")
        except HTTPException:
            return "", {}
        return str(endpoint), dict(arguments)

    def _table(self, thing: str) -> str:
        """The table of the things an address names: “snapshot” is a ratio_snapshot."""
        tables = [name for name in self.states if name == thing or name.endswith(f"_{thing}")]
        return min(tables, key=len, default="")

    def endpoint(self, url: str) -> str:
        """The endpoint behind an address, "" when there is none."""
        return self._match(url)[0]

    def of(self, url: str, units: Container[int] = ()) -> list[str]:
        """The kinds of an address for somebody of these units."""
        endpoint, arguments = self._match(url)
        asked = parse_qsl(urlsplit(url).query)
        query = "&".join(sorted({name for name, _value in asked}))
        things = [
            (self._table(name[:-3]), value) for name, value in arguments.items() if name.endswith("_id")
        ]
        state = "".join(f"#{self.states.get(table, {}).get(value, '')}" for table, value in things)
        # A year is open or closed, as a thing is in a state.
        state += "".join(f"#{value}" for name, value in asked if name == "year")
        theirs = [self.units[thing] for thing in things if thing in self.units]
        own = not theirs or any(unit in units for unit in theirs)
        kind = f"{endpoint}{state}{'' if own else '#other'}?{query}"
        here = ("", self.rooms.get(endpoint)) if own else ("",)
        parts = {part for thing in things for room, part in self.parts.get(thing, ()) if room in here}
        return [f"{kind}+{part}" for part in sorted(parts)] or [kind]


def _page(kind: str) -> str:
    """The kind of a page by its endpoint and the state or class of its thing alone."""
    page, _, more = kind.partition("?")
    part = more.partition("+")[2]
    return f"{page}+{part}" if "=" in part else page


def _room(module: str) -> str:
    """“registry.hubs” for “registry.hubs.routes”."""
    return module.rpartition(".")[0]


def people(live: Live) -> list[str]:
    """The first person of each role, two more organizations and nobody; then everybody else."""
    with live.app.app_context():
        held = db.session.execute(
            select(RoleAssignment.role, User.login)
            .join(User, User.id == RoleAssignment.user_id)
            .order_by(RoleAssignment.id)
        ).all()
    first: dict[str, str] = {}
    for role, login in held:
        first.setdefault(role, login)
    more = [login for role, login in held if role == "so_leader"][1:3]
    # Whoever may do most walks first: the same page leads them further.
    able = {login: -len(ROLES[role].permissions) for role, login in reversed(held)}
    chosen = [*sorted({*first.values(), *more}, key=lambda login: (able[login], login)), ""]
    return [*chosen, *dict.fromkeys(login for _, login in held if login not in chosen)]


def wanted(app: Flask) -> set[str]:
    """Every endpoint that can be opened."""
    return (
        {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
        - SKIPPED
        - UNLINKED
    )


def find_all(live: Live, *, each: int, share: int = 0) -> Findings:
    """The pages that people are led to. With ``share``, no more than so many people open the same kind of page.

    The people of one role share the pages of things in one state or class, which offer them the same; everybody
    shares the ways to look at a page (orders, filters, tabs) and the further things like it. The first
    of each role all walk; of the others as many as it takes to have reached every endpoint.
    """
    found, opened, kinds = Findings(), Counter[tuple[str, str]](), Kinds(live.app)
    everybody, whole = people(live), wanted(live.app)
    for place, login in enumerate(everybody):
        if place > everybody.index("") and whole <= found.answered:
            break
        found += find(live, login, each=each, opened=opened, share=share, kinds=kinds)
    found.wrong += [f"nobody is led to {endpoint}" for endpoint in sorted(whole - found.answered)]
    return found


def find(
    live: Live,
    login: str,
    *,
    each: int,
    opened: Counter[tuple[str, str]] | None = None,
    share: int = 0,
    kinds: Kinds | None = None,
) -> Findings:
    """Follow every link from the front pages, at most ``each`` addresses of one kind."""
    opened = Counter() if opened is None else opened
    kinds = kinds or Kinds(live.app)
    mine, units = _role(live, login)
    client = _client(live, login)
    found, seen, count = Findings(), set(STARTS), Counter[str]()
    queue: deque[tuple[str, str]] = deque((start, "") for start in STARTS)
    while queue:
        url, source = queue.popleft()
        place = Place(login, url, kinds.endpoint(url), source)
        with client.get(url) as answer:
            page = answer.text if answer.mimetype == "text/html" else ""
        if answer.status_code >= 400 or not place.endpoint:
            found.wrong.append(
                f"{login or 'nobody'}: {url} (linked on {source}) answers {answer.status_code}"
            )
            continue
        found.answered.add(place.endpoint)
        if answer.status_code >= 300:
            links = [answer.headers["Location"]]
        elif not page:
            continue
        else:
            found.pages.append(place)
            links = list(_links(page))
        for link in links:
            target = _local(url, link)
            if target is None or target in seen:
                continue
            seen.add(target)
            if kinds.endpoint(target) in SKIPPED:
                continue
            new = [kind for kind in kinds.of(target, units) if count[kind] < each]
            count.update(new)
            if share:
                new = [kind for kind in new if opened[mine, _page(kind)] < share or opened["", kind] < share]
            if not new:
                continue
            opened.update({(mine, _page(kind)) for kind in new} | {("", kind) for kind in new})
            queue.append((target, url))
    return found


def _role(live: Live, login: str) -> tuple[str, set[int]]:
    """The first role, and the units it is held at. What a page offers follows from these too."""
    with live.app.app_context():
        held = db.session.execute(
            select(RoleAssignment.role, RoleAssignment.agency_id)
            .join(User, User.id == RoleAssignment.user_id)
            .where(User.login == login)
            .order_by(RoleAssignment.id)
        ).all()
    return (held[0].role if held else ""), {row.agency_id for row in held if row.agency_id}


def _client(live: Live, login: str) -> FlaskClient:
    client = live.app.test_client()
    client.set_cookie("session", live.cookie(login, "zh"))
    return client


def _links(page: str) -> Iterator[str]:
    # Our own pages are regular enough, and a parser would cost more than the page.
    for link in re.findall(r'<(?:a\b[^>]*?\shref|img\b[^>]*?\ssrc)="([^"]*)"', page):
        yield unescape(link)
    for form, inside in re.findall(r"(<form\b[^>]*>)(.*?)</form>", page, re.DOTALL):
        action = re.search(r'\saction="([^"]*)"', form)
        if action and 'method="get"' in form:
            # What Enter sends: the form with its first button.
            button = re.search(r'<button\b[^>]*\sname="(\w+)" value="(\w+)"', inside)
            yield unescape(action[1]) + (f"?{button[1]}={button[2]}" if button else "")


def _local(base: str, link: str) -> str | None:
    parts = urlsplit(urljoin(f"http://localhost{base}", link))
    if parts.scheme not in ("http", "https") or parts.netloc != "localhost":
        return None
    return parts.path + (f"?{parts.query}" if parts.query else "")


# Looking ---------------------------------------------------------------------------------------------

# Every piece of text as read or read out, with the language it is marked as; options of closed lists included.
TEXTS = """() => {
  const texts = [], walker = document.createTreeWalker(document, NodeFilter.SHOW_TEXT);
  const tongue = node => node.closest("[lang]") ? node.closest("[lang]").lang : "";
  while (walker.nextNode()) {
    const node = walker.currentNode, home = node.parentElement;
    if (!home || /^(SCRIPT|STYLE|NOSCRIPT|TEXTAREA)$/.test(home.tagName) || !node.data.trim()) continue;
    if (home.closest("[data-verbatim]")) continue;
    texts.push([node.data.replace(/\\s+/g, " ").trim(), tongue(home), !!home.closest("svg")]);
  }
  for (const name of ["aria-label", "placeholder", "title", "alt", "data-label"])
    for (const home of document.querySelectorAll(`[${name}]`)) texts.push([home.getAttribute(name).trim(), tongue(home), false]);
  return texts;
}"""
SHAPE = """() => ({
  over: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  wide: [...document.querySelectorAll("main *")].filter(node => {
    if (node.closest("svg, .visually-hidden")) return false;
    if (node.getBoundingClientRect().right <= document.documentElement.clientWidth + 1) return false;
    for (let box = node.parentElement; box; box = box.parentElement)
      if (box !== document.body && /auto|scroll/.test(getComputedStyle(box).overflowX)) return false;
    return true;
  }).slice(0, 3).map(node => node.outerHTML.slice(0, 120)),
  heads: document.querySelectorAll("h1").length,
  lang: document.documentElement.lang,
  title: document.title,
  twins: [...document.querySelectorAll("[id]")].map(node => node.id).filter((id, at, all) => all.indexOf(id) !== at),
})"""
AXE = """() => axe.run(document, {
  resultTypes: ["violations"],
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}).then(result => result.violations.filter(item => ["serious", "critical"].includes(item.impact)).map(
  item => `${item.id}: ${item.nodes.map(node => node.html.slice(0, 160)).slice(0, 3).join(" | ")}`))"""


def words_of_data(app: Flask) -> set[str]:
    """Short texts that people entered: names, logins, headings of rubrics. They stand in their own language."""
    words: set[str] = set()

    def add(value: Any) -> None:
        if isinstance(value, str) and len(value) <= 60:
            words.add(value.strip())
        elif isinstance(value, (list, tuple)):
            for item in value:
                add(item)
        elif isinstance(value, dict):
            for item in value.values():
                add(item)

    with app.app_context():
        for table in db.metadata.sorted_tables:
            for column in table.columns:
                # States and kinds are ids of the product; sentences of the audit trail are not shown as such.
                if column.name in ("state", "kind", "role", "event") or table.name == "audit_entry":
                    continue
                if isinstance(column.type, (String, JSON)) and not isinstance(column.type, DateTime):
                    for value in db.session.scalars(select(column).distinct()):
                        add(value)
    return words


class Language:
    """Knows the product's own sentences in both languages, and finds those in the wrong one."""

    def __init__(self, app: Flask) -> None:
        self.data = words_of_data(app)
        self.english: dict[str, str] = {}
        self.chinese: dict[str, str] = {}
        patterns = []
        for catalogue in translations.catalogues().values():
            for message in catalogue:
                if not message.id:
                    continue
                ids = [message.id] if isinstance(message.id, str) else list(message.id)
                texts = [message.string] if isinstance(message.string, str) else list(message.string)
                for text in ids:
                    if text not in texts:
                        self.english[text] = texts[0]
                for text in texts:
                    fixed = re.sub(r"%\(\w+\)[sd]|%%", "", text)
                    if "%(" in text:
                        if len(re.findall(r"[\u4e00-\u9fff]", fixed)) >= 6:
                            patterns.append(re.sub(r"%\\\(\w+\\\)[sd]", ".{1,80}", re.escape(text)))
                    elif re.search(r"[\u4e00-\u9fff]", text):
                        self.chinese[text] = ids[0]
        self.chinese_sentence = re.compile("|".join(patterns))

    def wrong(self, texts: Iterable[tuple[str, str, bool]], language: str) -> Iterator[str]:
        for text, tongue, drawn in texts:
            # A chart breaks a long name into lines, each a text of its own.
            if text in self.data or (drawn and any(text in name for name in self.data)):
                continue
            # Commands are named as they are typed.
            text = re.sub(r"“flask [a-z ]+”", "", text)
            if language == "zh" and not tongue.startswith("en"):
                if text in self.english and re.search(r"[a-z]{2}", text):
                    yield f"English “{text}”"
                elif re.search(r"\b[a-z]{2,} [a-z]{2,} [a-z]{2,}\b", text):
                    yield f"English words “{text[:80]}”"
                elif re.search(r"%\(\w+\)|\{\{|\bNone\b|\bundefined\b|\bnan\b", text):
                    yield f"a hole in “{text[:80]}”"
            elif language == "en" and not tongue.startswith("zh"):
                if text in self.chinese:
                    yield f"Chinese “{text}”"
                elif self.chinese_sentence.fullmatch(text):
                    yield f"a Chinese sentence “{text[:80]}”"


class Looker:
    """One window of one person; each page is looked at and what is wrong is told."""

    def __init__(self, context: BrowserContext, live: Live, language: str, speech: Language) -> None:
        self.live, self.language, self.speech = live, language, speech
        self.page: Page = context.new_page()
        self.messages: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.messages.append(f"script error {error}"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.messages.append(message.text)

    def look(self, url: str, *, status: int = 200) -> list[str]:
        self.messages.clear()
        answer = self.page.goto(self.live.base + url)
        assert answer is not None
        wrong = [] if answer.status == status else [f"answers {answer.status}"]
        told = self.page.evaluate(SHAPE)
        if told["over"] > 0 or told["wide"]:
            wrong.append(f"{told['over']} px too wide: {told['wide']}")
        if told["heads"] != 1:
            wrong.append(f"{told['heads']} h1")
        if told["lang"] != {"zh": "zh-Hans-CN", "en": "en"}[self.language]:
            wrong.append(f"lang is {told['lang']}")
        if told["twins"]:
            wrong.append(f"ids used twice: {told['twins']}")
        if told["title"].startswith("·") or not told["title"]:
            wrong.append("no title")
        self.page.evaluate(AXE_SCRIPT)
        wrong += self.page.evaluate(AXE)
        wrong += sorted(set(self.speech.wrong(self.page.evaluate(TEXTS), self.language)))
        # The browser itself reports that an error page is one.
        heard = [text for text in self.messages if status < 400 or "Failed to load resource" not in text]
        return wrong + [f"console: {text}" for text in heard]


def report(findings: Iterable[str]) -> str:
    return "\n".join(json.dumps(item, ensure_ascii=False) for item in findings)


def walk(
    live: Live,
    browser: Any,
    places: Iterable[Place],
    *,
    width: int,
    language: str,
    speech: Language,
) -> Iterator[str]:
    """Look at these pages at this width in this language; what is wrong, one line each."""
    by_login: dict[str, list[Place]] = {}
    for place in places:
        by_login.setdefault(place.login, []).append(place)
    for login, own in by_login.items():
        context = live.context(browser, login, width=width, language=language)
        looker = Looker(context, live, language, speech)
        for place in own:
            for item in looker.look(place.url):
                yield f"{login or 'nobody'} {width} {language} {place.url}: {item}"
        context.close()


def one_of_each(places: Iterable[Place], app: Flask) -> list[Place]:
    """One place for each endpoint."""
    chosen: dict[str, Place] = {}
    for place in places:
        chosen.setdefault(place.endpoint, place)
    return list(chosen.values())
