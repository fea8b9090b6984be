"""``run.py soak r30 [--worlds N] [--seed S]``: the 30% engine against the oracle, to the last fraction.

Each world has several levels with rules of their own, consortia, hosts, subcontracts, cancellations, venture
grants, three bases and continuations. The figures come five ways and must be one: the oracle (straight from the
text of the rule), the engine over the rows, the sums that are kept beside the rows, the stand-alone verifier over
the published CSV, and the roll-up as the sum of its levels. No miss is ever shown as the threshold.
"""

from __future__ import annotations

import argparse
import random
import sys
from datetime import date
from fractions import Fraction
from typing import Any

from core.money import Money, percent_against
from finance.contracts.rules import NANO, Fact, Joins, PurchaseRow, R30Parameters
from finance.figures.rules import compute_ratio, kept_lines
from finance.snapshots.rules import as_csv
from tests.finance import oracle_r30
from tools import verify_r30

AGENCY, FOUNDATION, ASSOCIATION = "52150602MJ1234561L", "53150600MJ76543214", "51150600MJ1111119W"
ENTERPRISE, INSTITUTION = "91150602MA0N123402", "12150600MJ33333325"
DIVISIONS = ["150000", "150600", "150602", "150602001", "150602001001", "150621", "150700", "510118"]
LEVELS = [*DIVISIONS, "510000", "150602002"]
KINDS = ["社会服务机构", "基金会", "企业", "事业单位", "联合体", "备案社区社会组织"]
CODES = {"社会服务机构": AGENCY, "基金会": FOUNDATION, "企业": ENTERPRISE, "事业单位": INSTITUTION}
SHARES = ["0", "1", "0.4", "0.333333333", "0.01", "0.125", ""]
YEAR = 2025


def contract(pick: random.Random, number: int) -> dict[str, str]:
    """One row of the import table as text."""
    kind = pick.choice(KINDS)
    fen = pick.choice([pick.randint(1, 99), pick.randint(1, 10**7), pick.randint(1, 10**11)])
    cancelled = pick.choice([0, 0, fen, pick.randint(0, fen)])
    year = pick.choice([YEAR, YEAR, YEAR - 1, YEAR - 1, YEAR - 2])

    def amount(value: int) -> str:
        return f"{value // 100}.{value % 100:02d}"

    return {
        "contract_no": str(number),
        "fiscal_year": str(year),
        "division_code": pick.choice(DIVISIONS),
        "purchaser": pick.choice(["民政局", "街道办"]),
        "service_key": pick.choice(["A", "B", "C", ""]),
        "service_name": pick.choice(["A", "助餐", "陪护"]),
        "public_service": pick.choice(["是", "是", "是", "否"]),
        "contractor_code": CODES.get(kind, ""),
        "contractor_kind": kind,
        "host_code": pick.choice(["", ASSOCIATION, ENTERPRISE]),
        "so_share": pick.choice(SHARES) if kind == "联合体" else "",
        # Also where the import would refuse it: the rule alone says that it does not matter there.
        "subcontract_so_share": pick.choice([*SHARES, "", ""]),
        "amount_yuan": amount(fen),
        "cancelled_amount_yuan": amount(cancelled) if cancelled else "",
        "budget_amount_yuan": amount(pick.randint(0, fen * 2)) if pick.random() < 0.6 else "",
        "paid_amount_yuan": amount(pick.randint(0, fen)) if pick.random() < 0.5 else "",
        "fund_source": pick.choice(["一般公共预算", "福利彩票公益金", "社会捐赠", "自筹"]),
        "signed_on": f"{year}-{pick.randint(1, 12):02d}-15",
        "is_venture": pick.choice(["否", "否", "是"]),
    }  # fmt: skip


def as_row(text: dict[str, str]) -> PurchaseRow:
    def money(name: str) -> Money | None:
        return Money.yuan(text[name]) if text[name] else None

    return PurchaseRow(
        contract_no=text["contract_no"], fiscal_year=int(text["fiscal_year"]), division_code=text["division_code"],
        purchaser=text["purchaser"], service_key=text["service_key"], service_name=text["service_name"],
        catalogue_code="", public_service=text["public_service"] == "是", contractor="示例",
        contractor_code=text["contractor_code"], contractor_kind=text["contractor_kind"],
        host_code=text["host_code"], so_share=Fraction(text["so_share"]) if text["so_share"] else None,
        amount=Money.yuan(text["amount_yuan"]),
        cancelled_amount=Money.yuan(text["cancelled_amount_yuan"] or "0"), fund_source=text["fund_source"],
        method="", signed_on=date.fromisoformat(text["signed_on"]), is_venture=text["is_venture"] == "是",
        budget_amount=money("budget_amount_yuan"), paid_amount=money("paid_amount_yuan"),
        subcontract_so_share=Fraction(text["subcontract_so_share"]) if text["subcontract_so_share"] else None,
    )  # fmt: skip


def as_fact(row: PurchaseRow) -> Fact:
    def fen(amount: Money | None) -> int | None:
        return None if amount is None else amount.fen

    return Fact(
        row.division_code, row.purchaser, row.service_key, row.service_name, row.fiscal_year, row.public_service,
        row.catalogue_code, row.fund_source, row.is_venture, row.contractor_kind, row.contractor_code,
        row.host_code, None if row.so_share is None else str(row.so_share),
        None if row.subcontract_so_share is None else str(row.subcontract_so_share), 1, row.net.fen,
        int(row.budget_amount is not None), fen(row.budget_amount), int(row.paid_amount is not None),
        fen(row.paid_amount),
    )  # fmt: skip


def rules_of(pick: random.Random) -> dict[str, dict[str, Any]]:
    """What some levels have set otherwise, as the oracle takes it."""
    found: dict[str, dict[str, Any]] = {}
    for division in LEVELS:
        if pick.random() < 0.3:
            found[division] = {
                "with_venture": pick.random() < 0.3,
                "whole_consortium": pick.random() < 0.3,
                "no_hosted": pick.random() < 0.3,
                "subcontracts": pick.random() < 0.5,
                "decided": pick.choice([{}, {ENTERPRISE: True}, {AGENCY: False, ASSOCIATION: False}]),
                "threshold": pick.choice(["0.30", "0.5", "0.01"]),
            }
    return found


def as_parameters(rules: dict[str, Any]) -> R30Parameters:
    return R30Parameters.from_dict(
        {
            "threshold": rules.get("threshold", "0.30"),
            "count_venture": rules.get("with_venture", False),
            "split_consortium": not rules.get("whole_consortium", False),
            "count_hosted": not rules.get("no_hosted", False),
            "count_subcontracts": rules.get("subcontracts", False),
            "overrides": {
                code: {"counts": counts, "reason": "示例"}
                for code, counts in rules.get("decided", {}).items()
            },
        }
    )


def links_of(pick: random.Random, world: list[dict[str, str]], rules: dict[str, Any]) -> list[Any]:
    """Services that ended last year go on as services that have a row in scope this year and began in it."""

    def seen(year: int) -> set[Any]:
        return {oracle_r30.identity(row) for row in world if row["fiscal_year"] == str(year)}

    ended = sorted(seen(YEAR - 1) - seen(YEAR))
    sure = {
        oracle_r30.identity(row)
        for row in world
        if row["fiscal_year"] == str(YEAR)
        and oracle_r30.in_scope(row, False)
        and row["budget_amount_yuan"]
        and row["paid_amount_yuan"]
    }
    begun = sorted(sure - seen(YEAR - 1))
    return [(old, pick.choice(begun)) for old in ended if begun and pick.random() < 0.5]


def check(seed: int, size: int = 40) -> int:
    """One world; how many figures were compared. Raises ``AssertionError`` with the seed where two differ."""
    pick = random.Random(seed)
    world = [contract(pick, number) for number in range(pick.randint(1, size))]
    rules = rules_of(pick)
    links = links_of(pick, world, rules)
    rows = [as_row(text) for text in world]
    parameters = {division: as_parameters(rules.get(division, {})) for division in LEVELS}
    joins = Joins(links)
    kept = kept_lines([as_fact(row) for row in rows], YEAR, joins, parameters.__getitem__)
    table = verify_r30.read_rows(as_csv(rows))
    groups = verify_r30.Groups([tuple((*service[:2], *service[2]) for service in pair) for pair in links])
    own_rules = {division: verify_r30.DEFAULTS | parameters[division].to_dict() for division in LEVELS}
    compared = 0
    for division in LEVELS:
        for basis in ("contract", "budget", "payment"):
            for venture in (False, True):
                for rollup in (False, True):
                    where = f"seed {seed}: {division} {basis} venture={venture} rollup={rollup}"
                    threshold = rules.get(division, {}).get("threshold", "0.30")
                    expected, _cross = oracle_r30.figure(
                        world, YEAR, division, venture, rollup, links, basis=basis, rules=rules,
                        threshold=threshold,
                    )  # fmt: skip
                    figure = compute_ratio(
                        rows, YEAR, division, True if venture else None, rollup, parameters.__getitem__, links,
                        basis=basis,  # type: ignore[arg-type]
                    )  # fmt: skip
                    assert figure.to_dict() == expected, where
                    verified = verify_r30.figure(
                        table, division, YEAR, basis, venture, rollup, own_rules.__getitem__, groups
                    )
                    assert verified == expected, f"{where} (verifier)"
                    lines = [
                        line
                        for line in kept
                        if (
                            line.basis == basis
                            and (line.venture == venture if line.venture or venture else True)
                        )
                        or (line.basis == basis and venture and not line.venture and not line.apart)
                    ]
                    lines = [
                        line
                        for line in lines
                        if line.service[0] == division
                        or (rollup and oracle_r30.below(line.service[0], division))
                    ]
                    assert sum(line.added for line in lines) == figure.added_total_fen, f"{where} (kept)"
                    exact = sum(
                        (Fraction(line.added * line.so, line.total * NANO) for line in lines if line.total),
                        Fraction(0),
                    )
                    assert exact == figure.added_so_fen, f"{where} (kept)"
                    told = percent_against(figure.ratio, figure.threshold)
                    if figure.status == "below":
                        digits = Fraction(told.rstrip("%")) / 100
                        assert digits < figure.threshold, f"{where}: shows {told}"
                    compared += 1
    return compared


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="soak r30")
    parser.add_argument("--worlds", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(words)
    compared = 0
    for number in range(options.worlds):
        compared += check(options.seed + number)
        if (number + 1) % 100 == 0:
            print(f"{number + 1} worlds, {compared:,} figures equal to the last fraction", flush=True)
    print(f"{options.worlds:,} worlds from seed {options.seed}: {compared:,} figures, all equal")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
