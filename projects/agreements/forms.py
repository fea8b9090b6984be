"""Forms of agreements and contracts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext, lazy_gettext
from sqlalchemy import or_, select
from wtforms import BooleanField, StringField, TextAreaField
from wtforms.validators import Optional, ValidationError

from core.db import db
from core.money import Money, MoneyError
from core.rules.rules import Finding, Verdict
from core.web.forms import ChoiceField, DayField, Form, MaxLength, MoneyField, NotBefore, Positive, Required
from finance.funds.models import Earmark
from finance.funds.queries import earmark_available
from finance.funds.reports import Bought, WhatIf
from grants.applications.models import Application
from projects.agreements import policy, queries, reports
from projects.agreements.rules import FUND_TERMS, Part
from registry.agencies.models import Agency
from registry.organizations.forms import OrganizationField
from registry.organizations.models import Organization

_l = lazy_gettext


class AgreementForm(Form):
    starts_on = DayField(_l("First day"), validators=[Required()])
    ends_on = DayField(_l("Last day"), validators=[Required(), NotBefore("starts_on")])
    terms = TextAreaField(_l("Particular terms"), validators=[MaxLength(8000)])


class ContractForm(AgreementForm):
    title = StringField(_l("What is bought"), validators=[Required(), MaxLength(160)])
    supplier = OrganizationField(_l("Supplier: full name or credit code"), validators=[Required()])
    agency = ChoiceField(_l("Buying office"), coerce=int, validators=[Required()])
    earmark = ChoiceField(_l("Money from"), coerce=int, validators=[Required()])
    amount = MoneyField(_l("Amount"), validators=[Required(), Positive()])
    own_funds = MoneyField(_l("The supplier's own money beside it"), validators=[Optional()])
    method = ChoiceField(_l("How it is bought"), validators=[Required()])
    catalogue_code = ChoiceField(_l("Item of the guiding catalogue"))
    service_key = StringField(
        _l("Number of the service in your office"), validators=[Required(), MaxLength(80)]
    )
    plan = ChoiceField(_l("How it is paid"), validators=[Required()])

    organization: Organization | None = None

    def validate_own_funds(self, field: Any) -> None:
        if field.data is not None and field.data < Money(0):
            raise ValidationError(gettext("The amount must not be below zero."))

    def validate_supplier(self, field: Any) -> None:
        text = (field.data or "").strip()
        self.organization = db.session.scalar(
            select(Organization)
            .where(or_(Organization.name == text, Organization.credit_code == text.upper()))
            .order_by(Organization.id)
        )
        if self.organization is None:
            raise ValidationError(
                gettext("Nobody in the register has this name or credit code. Register the supplier first.")
            )


class SourceRows:
    """The parts of several sources as typed: row 0 is the agreement's own money, the others are chosen.

    An empty own part means the rest. ``options`` are (value, label): ``e12`` money set aside, ``u5``
    another unit that names its money itself. ``errors`` are sentences by row.
    """

    MORE = 5

    def __init__(
        self,
        own: Sequence[tuple[str, str]],
        units: Sequence[tuple[str, str]],
        formdata: Mapping[str, str] | None = None,
        parts: Sequence[Part] = (),
    ) -> None:
        self.own, self.units = own, units
        self.chosen = [""] * (self.MORE + 1)
        self.typed = [""] * (self.MORE + 1)
        self.errors: dict[int, str] = {}
        if formdata is not None:
            for row in range(self.MORE + 1):
                self.chosen[row] = formdata.get(f"source-{row}", "")
                self.typed[row] = formdata.get(f"part-{row}", "").strip()
        elif len(parts) > 1:
            for row, part in enumerate(parts[: self.MORE + 1]):
                self.typed[row] = part.amount.plain()
                if row:
                    self.chosen[row] = f"e{part.earmark.id}" if part.earmark else f"u{part.agency.id}"

    @property
    def rows(self) -> range:
        """The rows beside the agreement's own money."""
        return range(1, self.MORE + 1)

    @property
    def used(self) -> bool:
        return any(self.chosen[row] or self.typed[row] for row in self.rows)

    def parts(
        self, *, main: Earmark, agency: Agency, total: Money, earmarks: Mapping[str, Earmark],
        agencies: Mapping[str, Agency],
    ) -> list[Part]:  # fmt: skip
        """The parts as typed; look at ``errors`` before using them. They need not sum to ``total``."""
        others = [part for row in self.rows if (part := self._part(row, earmarks, agencies)) is not None]
        own = self._amount(0) if self.typed[0] else total - sum((part.amount for part in others), Money(0))
        if own is not None and own <= Money(0):
            self.errors[0] = gettext("The agreement's own money keeps a part above zero.")
        return [Part(agency, main, own or Money(0)), *others]

    def _part(self, row: int, earmarks: Mapping[str, Earmark], agencies: Mapping[str, Agency]) -> Part | None:
        chosen = self.chosen[row]
        if not chosen and not self.typed[row]:
            return None
        amount = self._amount(row)
        if amount is None:
            return None
        if amount <= Money(0):
            self.errors[row] = gettext("The amount must be above zero.")
            return None
        if chosen in earmarks:
            earmark = earmarks[chosen]
            return Part(agencies[f"u{earmark.agency_id}"], earmark, amount)
        if chosen in agencies:
            return Part(agencies[chosen], None, amount)
        self.errors[row] = gettext("Choose where this part comes from.")
        return None

    def _amount(self, row: int) -> Money | None:
        if not self.typed[row]:
            self.errors[row] = gettext("Write how much comes from here.")
            return None
        try:
            return Money.parse(self.typed[row])
        except MoneyError:
            self.errors[row] = gettext(
                "Write the amount in yuan with at most two decimals, for example 12,000.00."
            )
            return None


def earmark_label(earmark: Earmark) -> str:
    source = earmark.budget.fund_source
    return f"{earmark.title} · {FUND_TERMS.get(source.kind, source.name)} · {earmark.budget.fiscal_year}"


class MoneyPart:
    """The money part of a form: the parts as typed, what the rules say, and what saving would change."""

    def __init__(
        self, sent: Any, *, agency: Agency, main: Earmark, amount: Money, own_funds: Money, title: str,
        application: Application | None, bought: Bought, known: Sequence[Part] = (),
    ) -> None:  # fmt: skip
        self.main, self.amount = main, amount
        self.rows = source_rows(agency, sent, known)
        self.parts: Sequence[Part] = ()
        self.findings: Sequence[Finding] = ()
        self.effect: WhatIf | None = None
        if sent is None:
            return
        self.parts = self.rows.parts(
            main=main,
            agency=agency,
            total=amount,
            earmarks={f"e{item.id}": item for item in queries.earmarks_of({agency.id})},
            agencies={f"u{item.id}": item for item in queries.units(agency)},
        )
        if self.rows.errors:
            return
        self.findings = policy.findings_for(
            self.parts,
            agency=agency,
            application=application,
            amount=amount,
            own_funds=own_funds,
            title=title,
        )
        self.effect = reports.effect_of(self.parts, bought, reserved=application is not None)

    @property
    def wrong(self) -> bool:
        return bool(self.rows.errors) or any(item.verdict is Verdict.FAIL for item in self.findings)

    def may_save(self, checking: bool) -> bool:
        """Whether the form is to be saved: sent for it, and nothing is wrong."""
        return not checking and not self.wrong


def source_rows(agency: Agency | None, sent: Any, known: Sequence[Part] = ()) -> SourceRows:
    if agency is None:
        return SourceRows((), ())
    return SourceRows(
        [(f"e{item.id}", free_label(item)) for item in queries.earmarks_of({agency.id})],
        [(f"u{item.id}", item.name) for item in queries.units(agency) if item.id != agency.id],
        sent,
        known,
    )


def free_label(earmark: Earmark) -> str:
    return gettext(
        "%(name)s: %(free)s yuan free",
        name=earmark_label(earmark),
        free=earmark_available(earmark).format(),
    )


class PartForm(Form):
    earmark = ChoiceField(_l("Money of your unit"), coerce=int, validators=[Required()])


class ReasonForm(Form):
    reason = TextAreaField(_l("Reason"), validators=[Required(), MaxLength(2000)])


class AcceptanceForm(Form):
    passed = ChoiceField(_l("Result"), validators=[Required()])
    note = TextAreaField(_l("What was checked and found"), validators=[Required(), MaxLength(4000)])
    beneficiaries_heard = BooleanField(_l("Beneficiaries were invited and heard"))

    def validate_beneficiaries_heard(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(
                gettext("For services to the public the beneficiaries are invited to the acceptance.")
            )
