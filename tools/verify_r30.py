#!/usr/bin/env python3
"""Compute a published 30% figure again from its published rows, and say whether both agree.

    python3 verify_r30.py figure.json rows.csv
    python3 verify_r30.py expected.json rows.csv --year 2025     (a table of figures by division)

Standard library only; it shares nothing with the product that published the figure. ``figure.json`` has the
format ``shanzhi-r30/1``: figures of a level alone and rolled up, on each basis, with and without venture
grants, those of each level under it, the rules of each level, the confirmed continuations and the SHA-256
of the rows. ``rows.csv`` holds the contracts of the year and the year before.

The rule (政府购买服务 30%, over the services of a level): added = max(0, this year - last year);
D = sum of added; N = sum of added * (what went to social organizations / this year's total); ratio = N / D,
compared unrounded with the threshold. Exit code 0: all agree, 1: something differs, 2: the files cannot be read.
"""

import argparse
import csv
import hashlib
import io
import json
import sys
from fractions import Fraction
from pathlib import Path

FORMAT = "shanzhi-r30/1"
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CONSORTIUM, FILED_BODY = "联合体", "备案社区社会组织"
YES, NO = "是", "否"
DEFAULTS = {
    "threshold": "3/10",
    "count_venture": False,
    "organization_prefixes": ["51", "52", "53"],
    "excluded_sources": [
        "社会捐赠", "社会捐赠资金", "捐赠", "捐赠资金", "众筹", "众筹资金", "基金会配资", "自筹", "自筹资金",
    ],
    "count_hosted": True,
    "split_consortium": True,
    "count_subcontracts": False,
    "excluded_catalogue": [],
    "overrides": {},
}  # fmt: skip
VIEWS = ("own", "own_with_venture", "rollup", "rollup_with_venture")
BASIS_COLUMN = {"budget": "budget_amount_yuan", "payment": "paid_amount_yuan"}


class Unreadable(Exception):
    pass


def division(code):
    """A division in 6, 9 or 12 digits."""
    code = code.strip()
    code = code.ljust(6, "0")
    while len(code) > 6 and code.endswith("000"):
        code = code[:-3]
    return code


def under(code, level):
    """Whether a division is the level or lies under it in the tree (2, 4, 6, 9, 12 digits)."""
    if level == "100000":
        return True
    if len(level) == 6 and level.endswith("0000"):
        level = level[:2]
    elif len(level) == 6 and level.endswith("00"):
        level = level[:4]
    return code.startswith(level)


def valid_code(code):
    """Both check characters of a unified social credit code (GB 32100, GB 11714) fit."""
    if len(code) != 18 or any(char not in ALPHABET for char in code):
        return False
    weighed = sum(ALPHABET.index(char) * pow(3, place, 31) for place, char in enumerate(code[:17]))
    if ALPHABET[(31 - weighed) % 31] != code[17]:
        return False
    body = sum(
        int(char, 36) * weight for char, weight in zip(code[8:16], (3, 7, 9, 10, 5, 8, 4, 2), strict=True)
    )
    check = 11 - body % 11
    return code[16] == {10: "X", 11: "0"}.get(check, str(check))


def fen(text, place):
    if not text.strip():
        return None
    try:
        amount = Fraction(text.strip()) * 100
    except (ValueError, ZeroDivisionError):
        raise Unreadable(f"row {place}: {text!r} is no amount") from None
    if amount.denominator != 1:
        raise Unreadable(f"row {place}: {text!r} has a part of a fen")
    return amount.numerator


def read_rows(data):
    """The contracts as dictionaries; text that was kept from being a formula is as it was."""
    rows = []
    for place, line in enumerate(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")), start=2):
        if None in line or None in line.values():
            raise Unreadable(f"row {place} has more or fewer cells than the header")
        row = {
            name: cell[1:] if cell[:1] == "'" and cell[1:2] in ("=", "+", "-", "@", "\t", "\r") else cell
            for name, cell in line.items()
        }
        for name in ("public_service", "is_venture"):
            if row[name] not in (YES, NO):
                raise Unreadable(f"row {place}: {name} is {row[name]!r}")
        amount, cancelled = fen(row["amount_yuan"], place), fen(row["cancelled_amount_yuan"], place) or 0
        if amount is None or amount < 0 or not 0 <= cancelled <= amount:
            raise Unreadable(f"row {place}: the amounts cannot be")
        row["division"] = division(row["division_code"])
        row["year"] = int(row["fiscal_year"])
        row["contract"] = amount - cancelled
        for basis, column in BASIS_COLUMN.items():
            row[basis] = fen(row.get(column) or "", place)
        kind, name = ("key", row["service_key"]) if row["service_key"] else ("name", row["service_name"])
        row["service"] = (row["division"], row["purchaser"], kind, name)
        rows.append(row)
    return rows


def in_scope(row, rules, venture):
    if row["public_service"] == NO or row["fund_source"] in rules["excluded_sources"]:
        return False
    if row["catalogue_code"] and row["catalogue_code"].startswith(tuple(rules["excluded_catalogue"])):
        return False
    return row["is_venture"] == NO or venture or rules["count_venture"]


def weight(row, rules):
    """The part of a row that goes to social organizations."""
    code = row["contractor_code"]
    if row["contractor_kind"] == CONSORTIUM and rules["split_consortium"]:
        return Fraction(row["so_share"] or 0)
    if row["contractor_kind"] == FILED_BODY:
        code = row["host_code"] if rules["count_hosted"] else ""
    if code and code in rules["overrides"]:
        return Fraction(1 if rules["overrides"][code]["counts"] else 0)
    if code[:2] in rules["organization_prefixes"] and valid_code(code):
        return Fraction(1)
    if rules["count_subcontracts"] and row["contractor_kind"] != CONSORTIUM:
        return Fraction(row["subcontract_so_share"] or 0)
    return Fraction(0)


class Groups:
    """Services joined by continuations, and how late each came in its chain."""

    def __init__(self, links):
        self.next: dict = {}
        self.named = set()
        for earlier, later in links:
            self.named |= {earlier, later}
            self.next.setdefault(earlier, set()).add(later)
        self.group: dict = {}
        neighbours: dict = {service: set() for service in self.named}
        for earlier, later in links:
            neighbours[earlier].add(later)
            neighbours[later].add(earlier)
        for service in self.named:
            if service not in self.group:
                found, waiting = {service}, [service]
                while waiting:
                    new = neighbours[waiting.pop()] - found
                    found |= new
                    waiting += new
                for member in found:
                    self.group[member] = min(found)
        self.depth = dict.fromkeys(self.named, 0)
        before = dict.fromkeys(self.named, 0)
        for later in (one for many in self.next.values() for one in many):
            before[later] += 1
        ready = [service for service, count in before.items() if not count]
        while ready:
            service = ready.pop()
            for later in self.next.get(service, ()):
                self.depth[later] = max(self.depth[later], self.depth[service] + 1)
                before[later] -= 1
                if not before[later]:
                    ready.append(later)

    def of(self, service):
        return self.group.get(service, service)

    def late(self, service):
        return (self.depth.get(service, 0), service[:2], service[2:])


def figure(rows, level, year, basis, venture, rollup, rules_of, groups):
    """The seven numbers of a figure, as exact text."""
    sums: dict = {}
    for row in rows:
        if row["year"] not in (year, year - 1) or row[basis] is None:
            continue
        here = row["service"][0] == level or (rollup and under(row["service"][0], level))
        if not here and row["service"] not in groups.named:
            continue
        rules = rules_of(row["division"])
        if not in_scope(row, rules, venture):
            continue
        per = sums.setdefault(groups.of(row["service"]), {})
        one = per.setdefault(row["service"], {year: [0, 0, Fraction(0)], year - 1: [0, 0, Fraction(0)]})
        one = one[row["year"]]
        one[0] += 1
        one[1] += row[basis]
        one[2] += row[basis] * weight(row, rules)
    added_total = total = previous = 0
    by_denominator: dict = {}
    for per in sums.values():
        current = [service for service, years in per.items() if years[year][0]]
        home = max(current or per, key=groups.late)
        if home[0] != level and not (rollup and under(home[0], level)):
            continue
        now = sum(years[year][1] for years in per.values())
        before = sum(years[year - 1][1] for years in per.values())
        added = max(0, now - before)
        added_total, total, previous = added_total + added, total + now, previous + before
        if now:
            part = added * sum((years[year][2] for years in per.values()), Fraction(0)) / now
            by_denominator[part.denominator] = by_denominator.get(part.denominator, 0) + part.numerator
    added_so = sum((Fraction(top, bottom) for bottom, top in by_denominator.items()), Fraction(0))
    threshold = Fraction(rules_of(level)["threshold"])
    ratio = added_so / added_total if added_total else None
    return {
        "added_total_fen": str(added_total),
        "added_so_fen": str(added_so),
        "ratio": None if ratio is None else str(ratio),
        "status": "not_applicable" if ratio is None else "met" if ratio >= threshold else "below",
        "gap_fen": str(max(Fraction(0), threshold * added_total - added_so)),
        "total_fen": str(total),
        "previous_total_fen": str(previous),
    }


def shown(ratio, threshold):
    """Per cent with two decimals; what misses the threshold is cut off, never rounded up to it."""
    if ratio is None:
        return "-"
    hundredths = int(ratio * 10_000 + Fraction(1, 2))
    if ratio < threshold and Fraction(hundredths, 10_000) >= threshold:
        hundredths = int(ratio * 10_000)
    return f"{hundredths // 100}.{hundredths % 100:02d}%"


def yuan(text):
    cut = int(Fraction(text))
    return f"{cut // 100:,}.{cut % 100:02d}"


def compare(name, published, computed, threshold):
    """Print one figure and whether it agrees; the number of differences."""
    ratio = None if computed["ratio"] is None else Fraction(computed["ratio"])
    wrong = [key for key, value in computed.items() if key in published and published[key] != value]
    missing = [key for key in computed if key not in published]
    print(
        f"{'ok  ' if not wrong and not missing else 'DIFF'} {name}: N {yuan(computed['added_so_fen'])} yuan,"
        f" D {yuan(computed['added_total_fen'])} yuan, ratio {shown(ratio, threshold)} {computed['status']}"
    )
    for key in wrong:
        print(f"       {key}: published {published[key]}, computed {computed[key]}")
    for key in missing:
        print(f"       {key}: not published, computed {computed[key]}")
    return len(wrong) + len(missing)


def rules_lookup(published):
    """The rules of a level as they were published with the figure."""
    known = {code: DEFAULTS | item["parameters"] for code, item in published.items()}

    def rules_of(code):
        if code not in known:
            raise Unreadable(f"the rules of level {code} are not published with the figure")
        return known[code]

    return rules_of


def verify_published(content, data, rows):
    problems = 0
    told = content["rows"]
    digest = hashlib.sha256(data).hexdigest()
    if digest != told["sha256"] or len(rows) != told["count"]:
        print(
            f"DIFF rows: published {told['count']} with SHA-256 {told['sha256']}, the file has {len(rows)}, {digest}"
        )
        problems += 1
    level, year = content["division"], content["year"]
    rules_of = rules_lookup(content["rules"])
    groups = Groups([tuple(tuple(service) for service in pair) for pair in content["continuations"]])
    for basis, figures in content["bases"].items():
        for view in VIEWS:
            computed = figure(
                rows, level, year, basis, "venture" in view, view.startswith("rollup"), rules_of, groups
            )
            problems += compare(
                f"{level} {year} {basis} {view}",
                figures[view],
                computed,
                Fraction(rules_of(level)["threshold"]),
            )
    for item in content["levels"]:
        computed = figure(rows, item["division"], year, content["basis"], False, False, rules_of, groups)
        problems += compare(
            f"{item['division']} {year} own", item["figure"], computed, Fraction(item["threshold"])
        )
    return problems


def verify_expected(content, rows, year):
    problems = 0
    groups = Groups([])
    for level, figures in content.items():
        for view in VIEWS:
            computed = figure(
                rows, level, year, "contract", "venture" in view, view.startswith("rollup"),
                lambda _code: DEFAULTS, groups,
            )  # fmt: skip
            problems += compare(f"{level} {year} {view}", figures[view], computed, Fraction(3, 10))
    return problems


def main(words):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("figure", help="the published figure, JSON")
    parser.add_argument("rows", help="the published rows, CSV")
    parser.add_argument("--year", type=int, help="the fiscal year, for a table of figures by division")
    options = parser.parse_args(words)
    if hasattr(sys, "set_int_max_str_digits"):
        # Sums over very many shared services have long numerators.
        sys.set_int_max_str_digits(0)
    try:
        content = json.loads(Path(options.figure).read_text(encoding="utf-8"))
        data = Path(options.rows).read_bytes()
        rows = read_rows(data)
        if content.get("format") == FORMAT:
            problems = verify_published(content, data, rows)
        elif "format" in content or options.year is None:
            raise Unreadable(f"the figure has not the format {FORMAT}; a table of figures needs --year")
        else:
            problems = verify_expected(content, rows, options.year)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error, Unreadable) as error:
        print(
            f"cannot be checked: {error if isinstance(error, Unreadable) else repr(error)}", file=sys.stderr
        )
        return 2
    print("all figures agree with the rows" if not problems else f"{problems} difference(s)")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
