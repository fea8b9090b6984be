"""A service that goes on under another name: confirmed, dismissed or undone by a person."""

from __future__ import annotations

from sqlalchemy import select

from core.access.policy import Refusal
from core.audit.services import Actor, append, record
from core.db import db
from core.text import N_, Message
from finance.contracts.models import ContinuationDismissal, Purchase, ServiceContinuation
from finance.contracts.queries import continuations, key_text, linked, of_services
from finance.contracts.rules import Joins, ServiceKey
from finance.figures.services import Touched, groups_of, refresh
from registry.agencies.rules import normalise_division


def confirm_continuation(
    earlier: ServiceKey, later: ServiceKey, *, fiscal_year: int, by: Actor
) -> ServiceContinuation:
    """Note that a service goes on with another under a new name, key, purchaser or division."""
    earlier, later = (
        (normalise_division(service[0]), service[1], service[2]) for service in (earlier, later)
    )
    if earlier == later:
        raise Refusal(Message(N_("A service does not continue itself: choose two different ones.")))
    taken = db.session.scalar(
        select(ServiceContinuation.id).where(
            ServiceContinuation.fiscal_year == fiscal_year,
            ServiceContinuation.later_division == later[0],
            ServiceContinuation.later_purchaser == later[1],
            ServiceContinuation.later_key == key_text(later),
        )
    )
    if taken is not None:
        raise Refusal(
            Message(
                N_("“%(name)s” already continues a service in %(year)s: undo that link first."),
                {"name": later[2][1], "year": fiscal_year},
            ),
            status=409,
        )
    link = ServiceContinuation(
        earlier_division=earlier[0],
        earlier_purchaser=earlier[1],
        earlier_key=key_text(earlier),
        later_division=later[0],
        later_purchaser=later[1],
        later_key=key_text(later),
        fiscal_year=fiscal_year,
        confirmed_by=by.actor_id,
    )
    db.session.add(link)
    record(link, "confirmed", by=by)
    refresh(_years_of({earlier, later}))
    return link


def dismiss_continuation(earlier: ServiceKey, later: ServiceKey, *, fiscal_year: int, by: Actor) -> None:
    """Note that two services are different, so that they are not proposed again."""
    row = ContinuationDismissal(
        earlier_division=earlier[0],
        earlier_purchaser=earlier[1],
        earlier_key=key_text(earlier),
        later_division=later[0],
        later_purchaser=later[1],
        later_key=key_text(later),
        fiscal_year=fiscal_year,
        dismissed_by=by.actor_id,
    )
    db.session.add(row)
    record(row, "dismissed", by=by)


def undo_continuation(link: ServiceContinuation, *, by: Actor) -> None:
    """Part two services again that were joined by mistake."""
    touched = _years_of(set(linked(link)))
    details = {
        "earlier": [link.earlier_division, link.earlier_purchaser, link.earlier_key],
        "later": [link.later_division, link.later_purchaser, link.later_key],
    }
    append("service_continuation", link.id, "undone", by=by, details=details)
    db.session.delete(link)
    refresh(touched)


def _years_of(services: set[ServiceKey]) -> Touched:
    """These services, and those joined with them, with the years in which they have rows."""
    db.session.flush()
    joins = Joins(continuations())
    groups = groups_of(joins)
    whole = {other for service in services for other in groups.get(joins.root(service), {service})}
    years = set(db.session.scalars(select(Purchase.fiscal_year).where(of_services(whole)).distinct()))
    return {service: set(years) for service in whole}
