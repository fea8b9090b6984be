"""Sheets: one's own while scoring runs, everybody's only after the panel is closed.

That nobody sees another sheet before all are in is said here, in the WHERE clause: a hidden sheet
is not loaded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from core.db import db
from evaluation.panels.models import Panel, PanelMember
from evaluation.reviews import rules
from evaluation.reviews.models import Review, ReviewScore
from grants.applications.models import Application
from grants.applications.queries import bonuses
from grants.applications.rules import Bonus
from grants.calls.models import Call
from grants.rubrics.models import Criterion, Rubric
from registry.accounts.models import User
from registry.organizations.models import Organization
from registry.persons.models import Person

# Sheets of applications that left the selection are no longer waited for.
LEFT = ("withdrawn", "ineligible")


def criteria(call: Call) -> list[Criterion]:
    return list(
        db.session.scalars(
            select(Criterion)
            .where(Criterion.rubric_id == call.selection_rubric_id)
            .order_by(Criterion.position)
        )
    )


def lines(of: list[Criterion]) -> list[rules.Line]:
    return [rules.Line(item.id, item.l2, item.points) for item in of]


def own_sheets(user: User) -> Select[Review]:
    """The user's own sheets of panels that score or have scored, as an expert."""
    allowed = user.agency_ids("review.score")
    return (
        select(Review)
        .join(Panel, Panel.id == Review.panel_id)
        .join(Application, Application.id == Review.application_id)
        .where(
            Review.person_id == user.person_id,
            Panel.state.in_(("scoring", "closed")),
            Panel.agency_id.in_(allowed),
        )
    )


def own_sheet(user: User, review_id: int) -> Review | None:
    return db.session.scalar(
        own_sheets(user)
        .where(Review.id == review_id)
        .options(
            selectinload(Review.scores),
            joinedload(Review.panel),
            joinedload(Review.application).joinedload(Application.call),
            joinedload(Review.application)
            .joinedload(Application.organization)
            .joinedload(Organization.legal_representative),
            joinedload(Review.application).selectinload(Application.lines),
        )
    )


def queue(user: User, panel_id: int | None = None) -> list[Review]:
    """The user's sheets in the order of work, with what their titles are masked by."""
    query = (
        own_sheets(user)
        .options(
            joinedload(Review.application)
            .joinedload(Application.organization)
            .options(joinedload(Organization.legal_representative), joinedload(Organization.host)),
            joinedload(Review.panel).joinedload(Panel.call),
        )
        .order_by(Review.panel_id.desc(), Review.id)
    )
    if panel_id is not None:
        query = query.where(Review.panel_id == panel_id)
    return list(db.session.scalars(query))


def _waited_for() -> ColumnElement[bool]:
    return Application.state.not_in(LEFT)


def progress_of(panel_ids: Iterable[int]) -> dict[int, tuple[int, int]]:
    """(submitted, expected) sheets of each panel: numbers of sheets, never of points."""
    rows = db.session.execute(
        select(Review.panel_id, func.count().filter(Review.state == "submitted"), func.count())
        .join(Application, Application.id == Review.application_id)
        .where(Review.panel_id.in_(set(panel_ids)), _waited_for())
        .group_by(Review.panel_id)
    )
    return {panel_id: (done, expected) for panel_id, done, expected in rows}


def progress(panel_id: int) -> tuple[int, int]:
    return progress_of([panel_id]).get(panel_id, (0, 0))


def progress_by_member(panel_id: int) -> list[tuple[int, str, int, int]]:
    """(position, name, submitted, expected) of each member."""
    return [
        (position, name, done, all_)
        for position, name, done, all_ in db.session.execute(
            select(
                PanelMember.position,
                Person.name,
                func.count().filter(Review.state == "submitted"),
                func.count(),
            )
            .select_from(Review)
            .join(Application, Application.id == Review.application_id)
            .join(Person, Person.id == Review.person_id)
            .join(
                PanelMember,
                and_(PanelMember.panel_id == Review.panel_id, PanelMember.person_id == Review.person_id),
            )
            .where(Review.panel_id == panel_id, _waited_for())
            .group_by(Person.name, PanelMember.position)
            .order_by(PanelMember.position)
        )
    ]


def panel_for_counts(user: User, panel_id: int) -> Panel | None:
    """A panel whose number of sheets staff may see, or a member's own once it is closed."""
    return db.session.scalar(
        select(Panel)
        .where(
            Panel.id == panel_id,
            Panel.state.in_(("scoring", "closed")),
            or_(Panel.agency_id.in_(user.agency_ids("review.read")), _member_after_close(user)),
        )
        .options(joinedload(Panel.call).joinedload(Call.selection_rubric).selectinload(Rubric.criteria))
    )


def _member_after_close(user: User) -> ColumnElement[bool]:
    return and_(
        Panel.state == "closed",
        Panel.agency_id.in_(user.agency_ids("review.score")),
        select(PanelMember.id)
        .where(PanelMember.panel_id == Panel.id, PanelMember.person_id == user.person_id)
        .exists(),
    )


def panels_with_scores(user: User) -> list[Panel]:
    """Panels that score or have scored, which the user may follow."""
    return list(
        db.session.scalars(
            select(Panel)
            .where(
                Panel.state.in_(("scoring", "closed")),
                or_(Panel.agency_id.in_(user.agency_ids("review.read")), _member_after_close(user)),
            )
            .options(joinedload(Panel.call))
            .order_by(Panel.id.desc())
            .limit(50)
        )
    )


def closed_sheets() -> Select[Review]:
    """Every sheet that may be read by others at all: submitted, of a closed panel."""
    return (
        select(Review)
        .join(Panel, Panel.id == Review.panel_id)
        .join(Application, Application.id == Review.application_id)
        .where(Panel.state == "closed", Review.state == "submitted", _waited_for())
    )


def readable_sheet(user: User, review_id: int) -> Review | None:
    """A sheet as staff or a fellow member may read it: only after all are in."""
    return db.session.scalar(
        closed_sheets()
        .where(
            Review.id == review_id,
            or_(Panel.agency_id.in_(user.agency_ids("review.read")), _member_after_close(user)),
        )
        .options(
            selectinload(Review.scores),
            joinedload(Review.panel),
            joinedload(Review.application).joinedload(Application.call),
        )
    )


@dataclass(frozen=True, slots=True)
class Result:
    """What the sheets of one application give. ``mean`` and ``centre`` in exact hundredths."""

    application: Application
    sheets: list[Review]
    mean: Fraction
    score: int
    centre: Fraction
    alerts: set[int]
    parts: dict[str, Fraction]  # mean points of each first-level group, hundredths
    bonus: Bonus  # points for awards, which no expert gives

    @property
    def total(self) -> int:
        """What ranks: the published mean and the points for awards, hundredths."""
        return self.score + self.bonus.points

    @property
    def dissents(self) -> list[Review]:
        return [item for item in self.sheets if item.dissent]


def results(panel: Panel) -> list[Result]:
    """One result for each application, best first; nothing before the panel is closed."""
    sheets: dict[int, list[Review]] = {}
    for review in db.session.scalars(
        closed_sheets()
        .where(Review.panel_id == panel.id)
        .options(joinedload(Review.application).joinedload(Application.organization))
        .order_by(Review.application_id, Review.id)
    ):
        sheets.setdefault(review.application_id, []).append(review)
    parts = _parts(panel)
    given = bonuses(panel.call, [rows[0].application for rows in sheets.values()])
    found = [_result(rows, parts.get(key, {}), given.get(key, Bonus())) for key, rows in sheets.items()]
    return sorted(found, key=lambda item: (-item.total, item.application.id))


def _result(rows: list[Review], parts: dict[str, int], bonus: Bonus) -> Result:
    totals = {row.id: row.total for row in rows}
    mean = rules.trimmed_mean(list(totals.values()))
    return Result(
        application=rows[0].application,
        sheets=rows,
        mean=mean,
        score=rules.half_up(mean),
        centre=rules.median(list(totals.values())),
        alerts=rules.outliers(totals),
        parts={key: Fraction(total, len(rows)) for key, total in parts.items()},
        bonus=bonus,
    )


def result_of(application_id: int) -> Result | None:
    """The result of one application, when its panel is closed."""
    rows = list(
        db.session.scalars(
            closed_sheets()
            .where(Review.application_id == application_id)
            .options(joinedload(Review.application), joinedload(Review.panel), selectinload(Review.scores))
            .order_by(Review.id)
        )
    )
    if not rows:
        return None
    application = rows[0].application
    given = bonuses(rows[0].panel.call, [application])
    return _result(rows, {}, given.get(application.id, Bonus()))


def _parts(panel: Panel) -> dict[int, dict[str, int]]:
    """Sums of points of each first-level group, by application."""
    found: dict[int, dict[str, int]] = {}
    for application_id, group, total in db.session.execute(
        closed_sheets()
        .with_only_columns(Review.application_id, Criterion.l1, func.sum(ReviewScore.points))
        .join(ReviewScore, ReviewScore.review_id == Review.id)
        .join(Criterion, Criterion.id == ReviewScore.criterion_id)
        .where(Review.panel_id == panel.id)
        .group_by(Review.application_id, Criterion.l1)
    ):
        found.setdefault(application_id, {})[group] = int(total or 0)
    return found


def names_of(persons: set[int]) -> dict[int, str]:
    rows = db.session.execute(select(Person.id, Person.name).where(Person.id.in_(persons)))
    return {row.id: row.name for row in rows}


def scorers(panel_id: int) -> list[int]:
    """Person ids of those who have a sheet in this panel: they decide on nothing and pay nothing."""
    return sorted(set(db.session.scalars(select(Review.person_id).where(Review.panel_id == panel_id))))


def scorers_of(application_id: int) -> list[int]:
    return sorted(
        set(
            db.session.scalars(
                select(Review.person_id).where(
                    Review.application_id == application_id, Review.state == "submitted"
                )
            )
        )
    )
