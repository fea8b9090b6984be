"""Notices: what is about to be granted stands in public first.

A notice runs for a number of working days. During it anybody may object, in writing and under a
real name; while an objection is open, no agreement is made about that project (RPN, DOMAIN 3.7).
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Model, fk, instant_column, money_column
from core.money import Money
from grants.applications.models import Application
from grants.calls.models import Call


class Notice(Model):
    call_id: Mapped[int] = fk("call.id", index=False, unique=True)
    agency_id: Mapped[int] = fk("agency.id")
    document_number: Mapped[str] = mapped_column(String(60), default="")
    published_on: Mapped[date]
    ends_on: Mapped[date]
    contact: Mapped[str] = mapped_column(String(120))
    supervision_phone: Mapped[str] = mapped_column(String(20))
    experts: Mapped[str] = mapped_column(Text, default="")  # names as published
    published_by: Mapped[int] = fk("user_account.id", index=False)

    call: Mapped[Call] = relationship()
    items: Mapped[list[NoticeItem]] = relationship(back_populates="notice", order_by="NoticeItem.rank")
    objections: Mapped[list[Objection]] = relationship(back_populates="notice", order_by="Objection.id")

    __table_args__ = (CheckConstraint("ends_on >= published_on", name="dates_order"),)


class NoticeItem(Model):
    notice_id: Mapped[int] = fk("notice.id", index=False)
    application_id: Mapped[int] = fk("application.id", index=False, unique=True)
    rank: Mapped[int]
    score: Mapped[int]
    award_bonus: Mapped[int] = mapped_column(default=0)  # what of the score is for awards
    amount: Mapped[Money] = money_column()

    notice: Mapped[Notice] = relationship(back_populates="items")
    application: Mapped[Application] = relationship()

    __table_args__ = (UniqueConstraint("notice_id", "rank"),)


class Objection(Model):
    """``state``: received, reviewed (an answer is drafted), rejected, upheld."""

    notice_id: Mapped[int] = fk("notice.id", index=False)
    application_id: Mapped[int] = fk("application.id")
    agency_id: Mapped[int] = fk("agency.id", index=False)
    number: Mapped[str] = mapped_column(String(40), unique=True)
    state: Mapped[str] = mapped_column(String(32), default="received")
    name: Mapped[str] = mapped_column(String(60))
    phone: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(Text)
    file_id: Mapped[int | None] = fk("stored_file.id", index=False)
    received_at: Mapped[datetime] = instant_column()
    answer_due_on: Mapped[date]
    answer: Mapped[str] = mapped_column(Text, default="")
    uphold: Mapped[bool | None]  # what the answer proposes; holds once decided
    answered_by: Mapped[int | None] = fk("user_account.id", index=False)
    decided_by: Mapped[int | None] = fk("user_account.id", index=False)
    decided_at: Mapped[datetime | None] = instant_column()

    notice: Mapped[Notice] = relationship(back_populates="objections")
    application: Mapped[Application] = relationship()

    __table_args__ = (
        CheckConstraint("name <> '' AND phone <> ''", name="real_name"),
        CheckConstraint("decided_by IS NULL OR decided_by <> answered_by", name="two_people"),
        Index(None, "agency_id", "state", "id"),
    )
