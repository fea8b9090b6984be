"""Words for what entries of the trail carry along: English ids by the name a detail is kept under."""

from __future__ import annotations

from core.text import N_

# What every kind of object uses alike.
DETAILS = {
    "account": N_("account of the entry"), "adjustment": N_("adjustment"), "agency": N_("unit"),
    "amount": N_("amount in fen"), "answers": N_("answers"), "application": N_("application"),
    "assessed_on": N_("assessed on"), "assignment": N_("role given"), "bank": N_("bank"), "basis": N_("basis"),
    "before": N_("before it"), "book": N_("books"), "budget": N_("budget"), "bytes": N_("size in bytes"),
    "call": N_("call"), "changed": N_("what changed"), "code": N_("code"), "commitment": N_("commitment"),
    "commitment_on": N_("day of the party-building commitment"), "community": N_("community"),
    "count": N_("how many"), "counts": N_("how many"), "credit_code": N_("credit code"),
    "criteria": N_("criteria"), "dated_on": N_("dated"), "day": N_("day"), "division_code": N_("division code"),
    "document_number": N_("number of the document"), "done_on": N_("done on"), "due_on": N_("due on"),
    "employer": N_("employer"), "ends_on": N_("ends on"), "entered_on": N_("entered on"), "entry": N_("entry"),
    "evaluator": N_("evaluator"), "failed": N_("checks failed"), "family": N_("kind of rules"),
    "fiscal_year": N_("fiscal year"), "file": N_("file"), "finance_experts": N_("finance experts"),
    "finding": N_("finding"), "full_members": N_("full party members"), "full_time": N_("full-time staff"),
    "grade": N_("grade"), "grid": N_("grid cell"), "ground": N_("ground"), "held_on": N_("held on"),
    "hold": N_("hold"), "hub": N_("hub"), "items": N_("items"), "key": N_("key"), "kind": N_("kind"),
    "last_four": N_("last four digits"), "leadership": N_("leading members"), "level": N_("level"),
    "line": N_("budget line"), "lines": N_("lines"), "login": N_("login"), "masked": N_("number, masked"), "check": N_("check of a candidate"),
    "met": N_("items met"), "minutes": N_("minutes"), "month": N_("month"), "name": N_("name"),
    "new_jobs": N_("new jobs"), "note": N_("note"), "number": N_("number"), "on": N_("on the day"),
    "organization": N_("organization"), "outcome": N_("outcome"), "paid": N_("paid, in fen"),
    "paid_on": N_("paid on"), "parameters": N_("values set"), "part_time": N_("part-time staff"),
    "party_in_charter": N_("party building in the charter"), "party_org_kind": N_("kind of party organization"),
    "payee": N_("payee"), "people": N_("people"), "person": N_("person"), "person_times": N_("person-times"),
    "persons": N_("people served"), "pool_sha256": N_("digest of the pool"), "post": N_("post"),
    "project": N_("project"), "purpose": N_("purpose"), "purposes": N_("purposes"), "rank": N_("rank"),
    "reason": N_("reason"), "receipt": N_("receipt"), "relation": N_("relation"), "relative": N_("relative"),
    "result": N_("result"), "revision": N_("revision"), "role": N_("role"), "route": N_("route of supervision"),
    "rows": N_("rows"), "rules": N_("rules applied"), "scheme": N_("checklist"), "score": N_("score"),
    "seed": N_("seed"), "served_on": N_("served on"), "sha256": N_("digest (SHA-256)"), "since": N_("since"),
    "size": N_("members of the panel"), "slot": N_("half of the day"), "social_workers": N_("social workers"),
    "source": N_("legal source"), "sources": N_("sources"), "step": N_("step"), "surveyed_on": N_("surveyed on"),
    "tag": N_("recognition"), "text": N_("text"), "tier": N_("tier"), "title": N_("title"), "total": N_("total"),
    "tranche": N_("tranche"), "tranches": N_("tranches"), "unit": N_("unit"), "until": N_("until"),
    "upper_amount": N_("part from the level above, in fen"), "valid_from": N_("valid from"),
    "valid_to": N_("valid to"), "values": N_("values"), "version": N_("version"),
    "volunteers": N_("volunteers"), "voucher": N_("voucher"), "worker": N_("worker"), "year": N_("year"),
}  # fmt: skip
