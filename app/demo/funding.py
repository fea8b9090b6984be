"""Scenes of the money itself: kinds of funds, changes of budgets, old money, contracts paid by several."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from app.demo.stage import TEXTS, Stage
from app.demo.story import Delivery, Round, on
from core import clock
from core.db import db
from core.money import Money
from finance.funds.models import Budget, Earmark, FundSource
from finance.funds.queries import figures_of_budgets
from finance.funds.services import (
    adjust,
    approve_adjustment,
    approve_budget,
    carry_over,
    claw_back,
    create_source,
    earmark,
    enter_budget,
    refuse_adjustment,
)
from projects.agreements.models import Agreement
from projects.agreements.rules import Part
from projects.agreements.services import (
    accept,
    confirm_part,
    draft_contract,
    finance_review,
    legal_review,
    offer,
    sign,
)
from registry.agencies.models import Agency

WORDS = TEXTS["funding"]


def tell_funding(stage: Stage) -> None:
    """Everything a finance office does with its budgets in a year, up to today."""
    today = clock.today()
    office = _Office(stage)
    with on(today - timedelta(days=24)):
        office.found_sources()
    with on(today - timedelta(days=23)):
        office.change_budgets()
    with on(today - timedelta(days=22)):
        office.old_money()
    office.share_contracts(today - timedelta(days=21))


class _Office:
    """The finance office of the city and that of a township."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.year = stage, clock.today().year
        self.people = stage.people
        self.city, self.urban = stage.agencies["city"], stage.agencies["urban"]
        self.sources: dict[str, FundSource] = {}
        self.lots: dict[str, Earmark] = {}

    def _budget(self, source: FundSource, amount: str, number: int, **more: Any) -> Budget:
        urban = source.agency_id == self.urban.id
        budget = enter_budget(
            source,
            fiscal_year=more.pop("year", self.year),
            amount=Money.yuan(amount),
            document_number=f"示财预〔{self.year}〕{number}号",
            by=self.people["urban_finance" if urban else "finance"],
            **more,
        )
        approve_budget(budget, by=self.people["urban_finreview" if urban else "finreview"])
        return budget

    def _lot(self, key: str, budget: Budget, agency: Agency, amount: str, purpose: str, kind: str) -> None:
        urban = agency.id == self.urban.id
        self.lots[key] = earmark(
            budget,
            agency=agency,
            title=WORDS["lots"][key],
            purpose=purpose,
            amount=Money.yuan(amount),
            grant_kind=kind,
            by=self.people["urban_finance" if urban else "finance"],
        )

    def found_sources(self) -> None:
        """Money for party building, from crowdfunding, and a part from the level above."""
        for kind in ("party_building_cost", "crowdfunding"):
            self.sources[kind] = create_source(
                self.city, kind=kind, name=WORDS["sources"][kind], basis="", by=self.people["finance"]
            )
        party = self._budget(self.sources["party_building_cost"], "120000", 41, function_code="2080299")
        self._lot("party", party, self.city, "60000", "party", "support")
        gifts = self._budget(self.sources["crowdfunding"], "50000", 42)
        self._lot("gifts", gifts, self.city, "50000", "elderly", "project_grant")
        upper = self._budget(
            self.stage.sources["development"], "200000", 43, upper_amount=Money.yuan("150000"),
            function_code="2080206", economic_code="50205",
        )  # fmt: skip
        self._lot("reward", upper, self.city, "100000", "community", "reward")
        general = self.stage.budgets["general", self.year]
        self._lot("service", general, self.city, "180000", "elderly", "project_grant")
        township = self.stage.budgets["township", self.year]
        self._lot("township", township, self.urban, "60000", "elderly", "project_grant")

    def change_budgets(self) -> None:
        """More money in force, less money refused, more money waiting."""
        general = self.stage.budgets["general", self.year]
        for place, (amount, end) in enumerate((("200000", "approve"), ("-50000", "refuse"), ("80000", ""))):
            change = adjust(
                general,
                Money.yuan(amount),
                reason=WORDS["changes"][place],
                document_number=f"示财预〔{self.year}〕{51 + place}号",
                by=self.people["finance"],
            )
            if end == "approve":
                approve_adjustment(change, by=self.people["finreview"])
            elif end == "refuse":
                refuse_adjustment(change, reason=WORDS["refused"], by=self.people["finreview"])

    def old_money(self) -> None:
        """What lay for two years goes back or waits for it; of last year's a rest is carried over."""
        for key in ("lottery", "general", "development"):
            old = self.stage.budgets.get((key, self.year - 2))
            if old is None or not (free := figures_of_budgets([old])[old.id].available):
                continue
            change = claw_back(
                old,
                free,
                reason=WORDS["lapsed"],
                document_number=f"示财预〔{self.year}〕61号",
                by=self.people["finance"],
            )
            if key != "development":
                approve_adjustment(change, by=self.people["finreview"])
        # An old budget whose giving back nobody has begun.
        self._budget(self.stage.sources["development"], "15000", 62, year=self.year - 2)
        for key, part in (("general", 100), ("lottery", 30), ("development", 40)):
            last = self.stage.budgets.get((key, self.year - 1))
            if last is None or not (free := figures_of_budgets([last])[last.id].available):
                continue
            carried = carry_over(
                last,
                free.split([part, 100 - part])[0],
                document_number=f"示财预〔{self.year}〕63号",
                by=self.people["finance"],
            )
            if key != "development":
                approve_budget(carried, by=self.people["finreview"])

    def share_contracts(self, begin: date) -> None:
        """A service paid by three sources, a part of it by another unit; one that still waits for a unit."""
        with on(begin):
            contract = self._contract(0, "150000", "200000", begin, self.lots["gifts"], "20000", "30000")
            confirm_part(contract.sources[2], self.lots["township"], by=self.people["urban_finreview"])
            legal_review(contract, by=self.people["reviewer"])
            finance_review(contract, by=self.people["finreview"])
            offer(contract, by=self.people["clerk"])
        with on(begin + timedelta(days=1)):
            accept(contract, by=self.stage.leaders[contract.organization_id])
        with on(begin + timedelta(days=2)):
            project = sign(contract, by=self.people["leader"])
        told = Round(self.stage, "funding", begin.year, 0, begin, applicants=0, cap="1", pot="1")
        Delivery(told, project).pay(1, begin + timedelta(days=4))
        with on(clock.today() - timedelta(days=3)):
            waiting = self._contract(1, "20000", "30000", clock.today(), None, "", "10000")
            db.session.flush()
            legal_review(waiting, by=self.people["reviewer"])

    def _contract(
        self,
        place: int,
        own: str,
        amount: str,
        begin: date,
        gift: Earmark | None,
        gift_part: str,
        urban_part: str,
    ) -> Agreement:
        parts = [Part(self.city, self.lots["service"], Money.yuan(own))]
        if gift is not None:
            parts.append(Part(self.city, gift, Money.yuan(gift_part)))
        parts.append(Part(self.urban, None, Money.yuan(urban_part)))
        return draft_contract(
            self.city,
            organization=self.stage.organizations[7 + place],
            earmark=self.lots["service"],
            title=WORDS["contracts"][place],
            amount=Money.yuan(amount),
            starts_on=begin + timedelta(days=10),
            ends_on=begin + timedelta(days=370),
            method="consultation",
            service_key=f"A-2{place}",
            catalogue_code="A0301",
            tranche_weights=[30, 70],
            terms=TEXTS["terms"],
            sources=parts,
            by=self.people["clerk"],
        )
