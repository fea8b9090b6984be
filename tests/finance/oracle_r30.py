"""A second, slow computation of the 30% rule, straight from the text of DOMAIN 3.1.

It shares nothing with the engine: rows are plain dicts of text as in the import table, money is
Decimal yuan, each quantity of the text is one small function that searches all rows again.
"""

from decimal import Decimal
from fractions import Fraction

DONATED = ["社会捐赠", "众筹", "基金会配资", "自筹"]
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def code_is_social(code):
    """A valid 51/52/53: both checks computed as remainders that must vanish."""
    if len(code) != 18 or code[:2] not in ("51", "52", "53"):
        return False
    if any(c not in ALPHABET for c in code):
        return False
    gb32100 = 0
    for position in range(18):
        gb32100 += ALPHABET.index(code[position]) * (pow(3, position, 31) if position < 17 else 1)
    organization = 0
    for position, weight in enumerate([3, 7, 9, 10, 5, 8, 4, 2]):
        organization += int(code[8 + position], 36) * weight
    last = 10 if code[16] == "X" else int(code[16]) if code[16].isdigit() else -99
    return gb32100 % 31 == 0 and (organization + last) % 11 == 0


def net(row, basis="contract"):
    """Yuan on a basis; nothing where the row does not tell it."""
    if basis == "budget":
        return Decimal(row["budget_amount_yuan"]) if row.get("budget_amount_yuan") else None
    if basis == "payment":
        return Decimal(row["paid_amount_yuan"]) if row.get("paid_amount_yuan") else None
    cancelled = row["cancelled_amount_yuan"] or "0"
    return Decimal(row["amount_yuan"]) - Decimal(cancelled)


def fen(yuan):
    return Fraction(yuan) * 100


def weight(row, rules=None):
    """``rules``: what the row's level has set otherwise: whole_consortium, no_hosted, subcontracts,
    decided {code: counts}.
    """
    rules = rules or {}
    decided = rules.get("decided", {})
    kind = row["contractor_kind"]
    if kind == "联合体" and not rules.get("whole_consortium"):
        return Fraction(row["so_share"] or "0")
    if kind == "备案社区社会组织" and rules.get("no_hosted"):
        return passed_on(row, rules)
    code = row["host_code"] if kind == "备案社区社会组织" else row["contractor_code"]
    if code and code in decided:
        return Fraction(1) if decided[code] else Fraction(0)
    return Fraction(1) if code_is_social(code) else passed_on(row, rules)


def passed_on(row, rules):
    """Subcontract: counted at the signing party only, unless the level has set otherwise."""
    text = row.get("subcontract_so_share", "")
    if text == "" or not rules.get("subcontracts") or row["contractor_kind"] == "联合体":
        return Fraction(0)
    return Fraction(Decimal(text))


def in_scope(row, venture, rules=None):
    rules = rules or {}
    return (
        row["public_service"] == "是"
        and row["fund_source"] not in DONATED
        and (venture or rules.get("with_venture") or row["is_venture"] == "否")
    )


def identity(row):
    if row["service_key"] != "":
        return (row["division_code"], row["purchaser"], ("key", row["service_key"]))
    return (row["division_code"], row["purchaser"], ("name", row["service_name"]))


def quarter(row):
    year, month, _ = row["signed_on"].split("-")
    if int(year) < int(row["fiscal_year"]):
        return 1
    if int(year) > int(row["fiscal_year"]):
        return 4
    return {1: 1, 2: 1, 3: 1, 4: 2, 5: 2, 6: 2, 7: 3, 8: 3, 9: 3}.get(int(month), 4)


def below(code, ancestor):
    if code == ancestor:
        return True
    if len(ancestor) == 6 and ancestor[2:] == "0000":
        return code[:2] == ancestor[:2]
    if len(ancestor) == 6 and ancestor[4:] == "00":
        return code[:4] == ancestor[:4]
    return code[: len(ancestor)] == ancestor


def figure(
    rows, year, division, venture, rollup, links=(), quarter_limit=4, basis="contract", rules=None,
    threshold="0.30",
):  # fmt: skip
    """The seven numbers of the expected file, as text. ``links``: pairs (last year's identity, this year's
    identity); ``rules``: by division, what its level has set otherwise.
    """
    successor = dict(links)
    rules = rules or {}

    def service_of(row):
        own = identity(row)
        return successor.get(own, own) if int(row["fiscal_year"]) == year - 1 else own

    counted = [
        r
        for r in rows
        if in_scope(r, venture, rules.get(r["division_code"]))
        and int(r["fiscal_year"]) in (year, year - 1)
        and quarter(r) <= quarter_limit
        and net(r, basis) is not None
    ]
    services = []
    for r in counted:
        s = service_of(r)
        at_level = below(s[0], division) if rollup else s[0] == division
        if at_level and s not in services:
            services.append(s)

    def total(s, y):
        return sum(
            (fen(net(r, basis)) for r in counted if service_of(r) == s and int(r["fiscal_year"]) == y),
            Fraction(0),
        )

    def added(s):
        return max(Fraction(0), total(s, year) - total(s, year - 1))

    def to_social(s, y):
        return sum(
            (
                weight(r, rules.get(r["division_code"])) * fen(net(r, basis))
                for r in counted
                if service_of(r) == s and int(r["fiscal_year"]) == y
            ),
            Fraction(0),
        )

    d = sum((added(s) for s in services), Fraction(0))
    n = Fraction(0)
    for s in services:
        if total(s, year) != 0:
            n += added(s) * (to_social(s, year) / total(s, year))
    all_this = sum((total(s, year) for s in services), Fraction(0))
    all_last = sum((total(s, year - 1) for s in services), Fraction(0))
    change_so = sum((to_social(s, year) - to_social(s, year - 1) for s in services), Fraction(0))
    if d == 0:
        status, ratio = "not_applicable", None
    else:
        ratio = n / d
        status = "met" if ratio >= Fraction(threshold) else "below"
    return {
        "added_total_fen": str(d),
        "added_so_fen": str(n),
        "ratio": None if ratio is None else str(ratio),
        "status": status,
        "gap_fen": str(max(Fraction(0), Fraction(threshold) * d - n)),
        "total_fen": str(all_this),
        "previous_total_fen": str(all_last),
    }, (change_so / (all_this - all_last) if all_this > all_last else None)
