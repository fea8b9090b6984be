"""Particulars: what an organization holds and does beside its entry, each with its days.

Tax-exempt and donation-deduction status and the public-fundraising qualification hold from a day
to a day (S0-28). A fundraising plan is filed under its number: the organization's credit code, A,
the year and a serial. A community charity fund has no legal person of its own and stands under a
host that may raise funds in public (S4-17). Several departments look after one organization, one
of them is responsible (S1-01, S1-02).
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, money_column
from core.money import Money
from core.text import N_
from registry.agencies.models import Agency
from registry.organizations.models import Organization

QUALIFICATIONS = {
    "tax_exemption": N_("tax-exempt status of a non-profit organization"),
    "donation_deduction": N_("pre-tax deduction of public-benefit donations"),
    "public_fundraising": N_("qualification for raising funds in public"),
}
HONOURS = {"brand": N_("brand"), "award": N_("award")}
LEVELS = {
    "national": N_("national"),
    "province": N_("provincial"),
    "city": N_("of the city"),
    "county": N_("of the county or district"),
    "township": N_("of the township"),
}
DEPARTMENT_ROLES = {
    "registration": N_("registration authority"),
    "supervising": N_("supervising unit"),
    "industry": N_("industry regulator"),
    "party": N_("party department"),
    "finance": N_("finance and tax"),
    "township": N_("township or subdistrict"),
}


class Qualification(Model):
    organization_id: Mapped[int] = fk("organization.id", index=False)
    kind: Mapped[str] = mapped_column(String(24))
    document: Mapped[str] = mapped_column(String(120), default="")
    issued_by: Mapped[str] = mapped_column(String(120), default="")
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    recorded_by: Mapped[int | None] = fk("user_account.id")

    organization: Mapped[Organization] = relationship()

    __table_args__ = (
        CheckConstraint("valid_to >= valid_from", name="validity_order"),
        Index(None, "organization_id", "kind", "valid_from"),
    )


class FundraisingFiling(Model):
    """A plan of raising funds in public, filed before it begins."""

    organization_id: Mapped[int] = fk("organization.id", index=False)
    number: Mapped[str] = mapped_column(String(32), unique=True)
    title: Mapped[str] = mapped_column(String(160))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    target: Mapped[Money | None] = money_column()
    recorded_by: Mapped[int | None] = fk("user_account.id")

    organization: Mapped[Organization] = relationship()

    __table_args__ = (
        CheckConstraint("ends_on >= starts_on", name="dates_order"),
        CheckConstraint("target > 0", name="target_positive"),
        Index(None, "organization_id", "starts_on"),
    )


class CommunityFund(Model):
    """A fund for one community under a host that may raise funds in public."""

    host_id: Mapped[int] = fk("organization.id", index=False)
    name: Mapped[str] = mapped_column(String(120))
    division_code: Mapped[str] = mapped_column(String(12))
    purpose: Mapped[str] = mapped_column(Text, default="")
    set_up_on: Mapped[date]
    ended_on: Mapped[date | None]
    recorded_by: Mapped[int | None] = fk("user_account.id")

    host: Mapped[Organization] = relationship()

    __table_args__ = (
        UniqueConstraint("host_id", "name"),
        CheckConstraint("ended_on >= set_up_on", name="dates_order"),
    )


class Honour(Model):
    organization_id: Mapped[int] = fk("organization.id", index=False)
    kind: Mapped[str] = mapped_column(String(8))
    title: Mapped[str] = mapped_column(String(160))
    level: Mapped[str] = mapped_column(String(12))
    given_by: Mapped[str] = mapped_column(String(120))
    given_on: Mapped[date]
    valid_to: Mapped[date | None]
    document: Mapped[str] = mapped_column(String(120), default="")
    recorded_by: Mapped[int | None] = fk("user_account.id")
    # What was taken back counts no more; the row stays, with the reason.
    revoked_on: Mapped[date | None]
    revocation: Mapped[str] = mapped_column(String(200), default="")
    revoked_by: Mapped[int | None] = fk("user_account.id")

    __table_args__ = (
        CheckConstraint("valid_to >= given_on", name="validity_order"),
        CheckConstraint(
            "revoked_on IS NULL OR (revoked_on >= given_on AND revocation <> '')", name="revocation_order"
        ),
        Index(None, "organization_id", "given_on"),
    )


class StaffCount(Model):
    """People of one year: employees, certified social workers, volunteers, jobs newly offered."""

    organization_id: Mapped[int] = fk("organization.id", index=False)
    year: Mapped[int]
    full_time: Mapped[int]
    part_time: Mapped[int] = mapped_column(default=0)
    social_workers: Mapped[int] = mapped_column(default=0)
    volunteers: Mapped[int] = mapped_column(default=0)
    new_jobs: Mapped[int] = mapped_column(default=0)
    recorded_by: Mapped[int | None] = fk("user_account.id")

    __table_args__ = (
        UniqueConstraint("organization_id", "year"),
        CheckConstraint(
            "full_time >= 0 AND part_time >= 0 AND social_workers >= 0 AND volunteers >= 0 AND new_jobs >= 0",
            name="counts_not_negative",
        ),
        CheckConstraint("social_workers <= full_time + part_time", name="social_workers_are_staff"),
    )


class DepartmentRole(Model):
    """What one department does for one organization; a unit outside the tree goes by its name."""

    organization_id: Mapped[int] = fk("organization.id", index=False)
    role: Mapped[str] = mapped_column(String(16))
    agency_id: Mapped[int | None] = fk("agency.id")
    unit_name: Mapped[str] = mapped_column(String(120), default="")
    since: Mapped[date]
    until: Mapped[date | None]

    agency: Mapped[Agency | None] = relationship()

    __table_args__ = (
        CheckConstraint("until >= since", name="dates_order"),
        CheckConstraint("agency_id IS NOT NULL OR unit_name <> ''", name="some_unit"),
        Index(None, "organization_id", "role", "since"),
    )
