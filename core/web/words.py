"""Text, money, days and numbers as the reader's language writes them."""

from __future__ import annotations

import hashlib
import os
import re
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import babel.messages.mofile
import babel.messages.pofile
from babel.messages.catalog import Catalog
from flask import Flask, g, has_request_context, request, session
from flask_babel import Babel, get_locale, get_translations, gettext
from flask_login import current_user
from markupsafe import Markup

from core import clock
from core.money import Money, percent
from core.text import Message

CHINESE = "zh_Hans_CN"
LOCALES = {"zh": CHINESE, "en": "en"}


def init_app(app: Flask) -> None:
    """Compile the catalogues and let each request speak its reader's language."""
    target = Path(app.instance_path) / "translations"
    compile_catalogues(Path(app.root_path).parent / "translations", target)
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(target)
    app.config["BABEL_DEFAULT_LOCALE"] = CHINESE
    app.config["BABEL_DEFAULT_TIMEZONE"] = "Asia/Shanghai"
    Babel(app, locale_selector=chosen_locale)
    app.jinja_env.filters.update(
        say=say,
        headed=headed,
        official=official,
        money=money_html,
        yuan=yuan,
        wan=wan,
        day=day,
        day_short=day_short,
        days_in=days_in,
        month_of=month_of,
        moment=moment,
        rule_label=rule_label,
        percent=percent,
    )
    # Pages translate some three hundred texts each: straight from the catalogue, without Jinja's detour.
    app.jinja_env.globals.update(_=translate, ngettext=translate_count)
    app.jinja_env.globals.update(current_locale=lambda: "en" if in_english() else "zh-Hans-CN", say=say)


def translate(message: str, **values: Any) -> Markup:
    """A template's text in the reader's language; values are escaped, "%%" is a percent sign."""
    return Markup(catalogue().ugettext(message)) % values


def translate_count(singular: str, plural: str, num: int, **values: Any) -> Markup:
    """A template's text for a number of things."""
    return Markup(catalogue().ungettext(singular, plural, num)) % {"num": num, **values}


def catalogue() -> Any:
    """The reader's catalogue, looked up once in a request and again when the locale is forced."""
    locale = getattr(g.get("_flask_babel"), "babel_locale", None) or get_locale()
    found = g.get("catalogue")
    if found is None or found[0] is not locale:
        found = g.catalogue = (locale, get_translations())
    return found[1]


def chosen_locale() -> str:
    """The reader's choice: this session's, then the account's, then Chinese."""
    if not has_request_context():
        return CHINESE
    code = session.get("locale") or (current_user.locale if current_user.is_authenticated else None)
    return LOCALES.get(code or "zh", CHINESE)


def in_english() -> bool:
    locale = get_locale()
    return locale is not None and locale.language == "en"


def compile_catalogues(source: Path, target: Path) -> None:
    """Merge each language's .po files (one per floor) into one .mo where gettext looks for it."""
    for folder in source.glob("*/LC_MESSAGES"):
        files = sorted(folder.glob("*.po"))
        output = target / folder.parent.name / "LC_MESSAGES" / "messages.mo"
        # By content: files of an unpacked release may be older than what was compiled before it.
        wanted = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
        mark = output.with_name("sources.sha256")
        if output.exists() and mark.exists() and mark.read_text() == wanted:
            continue
        merged = Catalog(locale=folder.parent.name)
        for path in files:
            with path.open("rb") as stream:
                for entry in babel.messages.pofile.read_po(stream, locale=folder.parent.name):
                    if entry.id:
                        merged.add(entry.id, entry.string, context=entry.context)
        output.parent.mkdir(parents=True, exist_ok=True)
        draft = output.with_suffix(f".{os.getpid()}")
        with draft.open("wb") as stream:
            babel.messages.mofile.write_mo(stream, merged)
        draft.replace(output)
        draft.write_text(wanted)
        draft.replace(mark)


_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def official(text: Any) -> Markup:
    """A text as public documents and tables carry it; on an English page marked as Chinese where it is."""
    if in_english() and _CHINESE.search(str(text)):
        return Markup('<span lang="zh-Hans">{}</span>').format(text)
    return Markup.escape(text)


def say(value: Any) -> str:
    """A message, or a plain English id, in the reader's language with its values written out."""
    if value is None:
        return ""
    if isinstance(value, Message):
        # "%" signs in a sentence without values are only signs.
        return (
            catalogue().ugettext(value.id) % {k: _written(v) for k, v in value.params.items()}
            if value.params
            else say(value.id)
        )
    if isinstance(value, str):
        return catalogue().ugettext(value).replace("%%", "%") if value else ""
    return str(_written(value))


def headed(text: str) -> str:
    """A text where it stands alone as a title or heading: it begins with a capital."""
    return text[:1].upper() + text[1:]


def _written(value: Any) -> Any:
    if isinstance(value, Message):
        return say(value)
    if isinstance(value, Money):
        return value.format()
    if isinstance(value, Fraction):
        return percent(value)
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return day(value)
    return value


def money_html(value: Money | None) -> Markup:
    if value is None:
        return Markup("—")
    tone = " money--out" if value.fen < 0 else ""
    return Markup('<span class="money{}">{}<span class="money__unit">{}</span></span>').format(
        tone, value.format(), gettext("yuan")
    )


def yuan(value: Money | str | None) -> str:
    """An amount without its unit; a history keeps amounts as plain text."""
    if isinstance(value, str):
        value = Money.parse(value)
    return "—" if value is None else value.format()


def wan(value: Money | None) -> str:
    return "—" if value is None else value.format_wan()


def day(value: date | datetime | None) -> str:
    """2026年5月13日 or 13 May 2026."""
    if value is None:
        return "—"
    if isinstance(value, datetime):
        value = clock.local(value).date()
    if in_english():
        return f"{value.day} {value:%b} {value.year}"
    return f"{value.year}年{value.month}月{value.day}日"


_ISO_DAY = re.compile(r"\b(\d{4})-(\d\d)-(\d\d)\b")


def days_in(text: Any) -> str:
    """A text kept by a program, its days as the reader writes them."""
    return _ISO_DAY.sub(lambda found: day(date(*map(int, found.groups()))), str(text))


def month_of(value: date) -> str:
    """2026年5月 or May 2026."""
    return f"{value:%b} {value.year}" if in_english() else f"{value.year}年{value.month}月"


_DEFAULT = re.compile(r"\b(\w+) default\b")


def rule_label(label: str) -> str:
    """The name of the rules in force; where no rule set was entered, that they are the national ones."""
    return _DEFAULT.sub(lambda found: translate("%(family)s, national default", family=found[1]), label)


def day_short(value: date | datetime | None) -> str:
    """5月13日 星期三 or Wed 13 May."""
    if value is None:
        return "—"
    if isinstance(value, datetime):
        value = clock.local(value).date()
    if in_english():
        return f"{value:%a} {value.day} {value:%b}"
    return f"{value.month}月{value.day}日 星期{'一二三四五六日'[value.weekday()]}"


def moment(value: datetime | None) -> str:
    """2026年5月13日 14:40 or 13 May 2026, 14:40, in Asia/Shanghai."""
    if value is None:
        return "—"
    joint = ", " if in_english() else " "
    return f"{day(value)}{joint}{clock.local(value):%H:%M}"


def toggle_language() -> tuple[str, str]:
    """The other language's code and name."""
    return ("zh", "中文") if in_english() else ("en", "EN")


def current_path() -> str:
    return request.full_path.rstrip("?")
