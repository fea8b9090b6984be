"""When a tranche may be claimed (RDT, DOMAIN 3.5). Pure functions from facts to findings."""

from __future__ import annotations

from fractions import Fraction

from core.money import Money
from core.rules.rules import Finding, Verdict
from core.text import N_, Message

DEFAULTS = {"spent_percent": 70}
SOURCE = "项目协议 资金拨付条款；首期、中期、尾款按签约、中期评估、末期评估拨付"
PASSING = ("excellent", "good", "pass")


def state_reached(condition: str, *, midterm_grade: str, final_grade: str, rule_set: str = "") -> Finding:
    """(a) The step the tranche waits for: signed, mid-term passed, final passed."""
    if condition == "signed":
        verdict, sentence = Verdict.PASS, N_("The agreement is signed.")
    else:
        grade = midterm_grade if condition == "midterm_passed" else final_grade
        midterm = condition == "midterm_passed"
        if grade in PASSING:
            verdict = Verdict.PASS
            sentence = (
                N_("The mid-term evaluation is passed.") if midterm else N_("The final evaluation is passed.")
            )
        elif grade == "fail":
            verdict = Verdict.FAIL
            sentence = (
                N_("The mid-term evaluation is not passed: this tranche is withheld.")
                if midterm
                else N_("The final evaluation is not passed: this tranche is withheld.")
            )
        else:
            verdict = Verdict.FAIL
            sentence = (
                N_("The mid-term evaluation has no result yet.")
                if midterm
                else N_("The final evaluation has no result yet.")
            )
    return Finding(
        "RDT-a", verdict, Message(N_("The step of this tranche")), Message(sentence),
        source=SOURCE, rule_set=rule_set, facts={"condition": condition},
    )  # fmt: skip


def earlier_spent(
    *,
    number: int,
    earlier_paid: Money,
    earlier_unpaid: int,
    spent: Money,
    percent: int,
    applies: bool = True,
    rule_set: str = "",
) -> Finding:
    """(c) Of what was paid before, at least ``percent`` is spent; compared exactly in fen."""
    title = Message(N_("Spending of the earlier tranches"))
    if not applies or number == 1:
        sentence = (
            N_("The first tranche asks for no spending before it.")
            if applies
            else N_("A bought service is paid for its result, not for its spending.")
        )
        return Finding("RDT-c", Verdict.NOT_APPLICABLE, title, Message(sentence), rule_set=rule_set)
    if earlier_unpaid:
        return Finding(
            "RDT-c",
            Verdict.FAIL,
            title,
            Message(N_("An earlier tranche has not been paid yet: tranches follow one another.")),
            source=SOURCE,
            rule_set=rule_set,
        )
    enough = spent.fen * 100 >= earlier_paid.fen * percent
    return Finding(
        "RDT-c",
        Verdict.PASS if enough else Verdict.FAIL,
        title,
        Message(N_("At least %(percent)s%% of what was paid before must be spent."), {"percent": percent}),
        numbers=Message(
            N_("spent %(spent)s of %(paid)s yuan, that is %(share)s"),
            {"spent": spent, "paid": earlier_paid, "share": spent.ratio_to(earlier_paid) or Fraction(0)},
        ),
        source=SOURCE,
        rule_set=rule_set,
        facts={"spent": spent.fen, "paid": earlier_paid.fen, "percent": percent},
    )


def nothing_to_put_right(count: int, *, rule_set: str = "") -> Finding:
    """(d) No rectification stands open."""
    return Finding(
        "RDT-d",
        Verdict.FAIL if count else Verdict.PASS,
        Message(N_("Rectifications")),
        Message(N_("%(count)s rectifications are not closed: they come first."), {"count": count})
        if count
        else Message(N_("Nothing is waiting to be put right.")),
        source=SOURCE,
        rule_set=rule_set,
    )


def cost_known(*, last: bool, purchase: bool, audited_cost: Money | None, rule_set: str = "") -> Finding:
    """The last tranche is paid against the audited cost: min(planned, eligible cost − paid)."""
    title = Message(N_("Audited cost"))
    if not last or purchase:
        sentence = N_("Only the last tranche of a grant is paid against the audited cost.")
        return Finding("RDT-final", Verdict.NOT_APPLICABLE, title, Message(sentence), rule_set=rule_set)
    if audited_cost is None:
        return Finding(
            "RDT-final",
            Verdict.FAIL,
            title,
            Message(
                N_(
                    "Report the closing account first: the last tranche is paid against the cost that it shows."
                )
            ),
            source=SOURCE,
            rule_set=rule_set,
        )
    return Finding(
        "RDT-final",
        Verdict.PASS,
        title,
        Message(N_("The closing account has been checked.")),
        numbers=Message(N_("eligible cost %(cost)s yuan"), {"cost": audited_cost}),
        source=SOURCE,
        rule_set=rule_set,
        facts={"audited_cost": audited_cost.fen},
    )


def dues(originals: list[Money], *, eligible: Money, paid: Money) -> list[Money]:
    """What is still due of each unpaid tranche, in their order: never more than cost minus paid.

    The reduction falls on the last ones first, as RDT has it for the final tranche.
    """
    left = eligible - paid if eligible > paid else Money(0)
    result = []
    for original in originals:
        due = min(original, left)
        result.append(due)
        left = left - due
    return result


def surplus(*, eligible: Money, paid: Money) -> Money:
    """What was paid and not used as approved goes back (仪征、广州：结余资金退回)."""
    return paid - eligible if paid > eligible else Money(0)
