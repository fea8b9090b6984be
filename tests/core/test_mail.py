"""Mail: written with the business, sent after it, and never in its way."""

from __future__ import annotations

from datetime import date, timedelta
from email.message import EmailMessage

import pytest
from flask import Flask

from core import clock
from core.db import db, transaction
from core.mail import services
from core.mail.models import Mail
from core.mail.services import Recipient, deliver_due, send, written
from core.money import Money
from finance.disbursements.services import mark_returned
from registry.accounts.services import notify_organization, reset_password
from registry.persons.services import set_email
from tests import world
from tests.projects import road

TITLE = "第三期 <暖邻> & 邻里"
TEMPLATES = {
    "account_created": {"login": "li"},
    "password_reset": {"login": "li"},
    "supplement_asked": {"title": TITLE, "number": "A-1", "due": date(2026, 5, 1), "items": "缺 <章>"},
    "eligibility_result": {"title": TITLE, "number": "A-1", "eligible": False, "note": "逾期 & 缺件"},
    "agreement_offered": {"title": TITLE, "number": "H-1", "amount": Money.yuan("1234.50")},
    "payment_paid": {
        "title": TITLE, "number": "ZF-1", "amount": Money.yuan(5), "paid_on": date(2026, 5, 1), "digits": "1234",
    },
    "payment_returned": {"title": TITLE, "number": "ZF-1", "amount": Money.yuan(5), "reason": "户名不符"},
    "recovery_ordered": {"title": TITLE, "number": "X-1", "amount": Money.yuan(5), "due": date(2026, 5, 1), "reason": "未使用"},
    "rectification_opened": {"title": TITLE, "number": "X-1", "due": date(2026, 5, 1), "items": "补签到表"},
    "objection_decided": {"title": TITLE, "number": "A-1", "objection": "YY-1", "upheld": False},
}  # fmt: skip


class Server:
    """A mail server that keeps what it gets, or refuses everything."""

    sent: list[EmailMessage] = []
    refuses = False

    def __init__(self, host: str, port: int, timeout: int) -> None:
        assert (host, port) == ("mail.example.org", 25)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def starttls(self) -> None:
        pass

    def send_message(self, message: EmailMessage) -> None:
        if self.refuses:
            raise OSError("connection refused")
        self.sent.append(message)


@pytest.fixture
def server(app: Flask, monkeypatch: pytest.MonkeyPatch) -> type[Server]:
    monkeypatch.setattr(Server, "sent", [])
    monkeypatch.setattr(services.smtplib, "SMTP", Server)
    app.config.update(MAIL_SERVER="mail.example.org", MAIL_PORT=25, MAIL_SENDER="善治 <no-reply@example.org>")
    return Server


def put(locale: str = "zh", template: str = "account_created") -> Mail:
    with transaction():
        send(template, TEMPLATES[template], to=[Recipient("li@example.org", "示例李", locale)])
    return db.session.query(Mail).order_by(Mail.id.desc()).first()


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_mail_reads_in_both_languages(app, template):
    for locale, word in (("zh", "您好"), ("en", "Dear")):
        mail = put(locale, template)
        subject, body = written(mail)
        assert subject and "\n" not in subject and word in body
        for text in (subject, body):
            assert "%(" not in text and "&lt;" not in text and "&amp;" not in text
        if "title" in TEMPLATES[template]:
            assert TITLE in subject


def test_it_is_sent_after_the_commit_and_once(server, app):
    put()
    assert not server.sent
    deliver_due()
    deliver_due()
    (message,) = server.sent
    assert message["To"] == "示例李 <li@example.org>"
    assert "账号" in message["Subject"] and "您好" in message.get_content()
    mail = db.session.query(Mail).one()
    assert mail.state == "sent" and mail.sent_at is not None and mail.body


def test_nothing_is_sent_for_what_was_rolled_back(server, app):
    with pytest.raises(RuntimeError, match="no"), transaction():
        send("account_created", {"login": "li"}, to=[Recipient("li@example.org", "李")])
        raise RuntimeError("no")
    deliver_due()
    assert not server.sent


def test_without_a_server_it_is_kept(app):
    put()
    deliver_due()
    mail = db.session.query(Mail).one()
    assert mail.state == "kept" and mail.subject and mail.body


def test_a_server_that_is_away_is_asked_again_later_and_given_up_in_the_end(server, app, monkeypatch):
    monkeypatch.setattr(server, "refuses", True)
    put()
    for attempt in range(1, len(services.WAITS) + 2):
        with transaction():
            db.session.query(Mail).one().due_at = clock.now()
        deliver_due()
        deliver_due()  # not yet due again
        assert db.session.query(Mail).one().attempts == attempt
    mail = db.session.query(Mail).one()
    assert mail.state == "failed" and "connection refused" in mail.error


def test_a_failing_mail_never_changes_the_business(server, app, monkeypatch):
    """The payment is returned although its mail cannot be written out nor sent."""
    with transaction():
        set_email(world.user("so_leader").person, "lead@example.org", by=world.user("so_leader"))
    with transaction():
        disbursement = road.claim_and_pay(road.running(), 1)
        number = disbursement.id
    monkeypatch.setattr(services, "render_template", lambda *_a, **_k: 1 / 0)
    monkeypatch.setattr(server, "refuses", True)
    with transaction():
        mark_returned(
            db.session.get_one(type(disbursement), number), reason="户名不符", by=world.user("finance")
        )
    deliver_due()
    assert db.session.get_one(type(disbursement), number).state == "returned"
    mails = {mail.template: mail for mail in db.session.query(Mail)}
    assert {"agreement_offered", "payment_paid", "payment_returned"} <= set(mails)
    assert mails["payment_returned"].state == "queued" and "ZeroDivision" in mails["payment_returned"].error


def test_those_who_act_for_an_organization_get_it_and_nobody_else(app):
    with transaction():
        for login in ("operator", "so_leader", "operator2", "clerk"):
            set_email(world.user(login).person, f"{login}@example.org", by=world.user(login))
        notify_organization(world.organization().id, "account_created", {"login": "x"})
    assert {mail.name for mail in db.session.query(Mail)} == {"示例刘洋", "示例孙悦"}


def test_a_reset_password_is_told_but_not_what_it_is(app):
    with transaction():
        set_email(world.user("clerk").person, "clerk@example.org", by=world.user("clerk"))
        reset_password(world.user("clerk"), "an entirely new phrase 善", by=world.user("admin"))
    subject, body = written(db.session.query(Mail).one())
    assert "密码" in subject and "entirely" not in body


@pytest.mark.parametrize(
    "text", ["a@b", "a b@example.org", "a@example.org\nBcc: x@example.org", "a,b@example.org", "@example.org"]
)
def test_what_is_no_address_is_written_nowhere(app, text):
    assert not services.is_address(text)
    with transaction():
        assert send("account_created", {"login": "x"}, to=[Recipient(text, "李")]) == 0


def test_administrators_see_the_mail_of_their_units(bare_app, browser_as):
    with bare_app.app_context(), transaction():
        for agency in (world.agency(), world.agency("示例西旗民政局")):
            send(
                "account_created", {"login": agency.name}, to=[Recipient("li@example.org", agency.name)],
                agency_id=agency.id,
            )  # fmt: skip
        foreign = Mail(
            address="far@example.org", name="别处", template="account_created", params={"login": "z"},
            agency_id=10**6, queued_at=clock.now(), due_at=clock.now() + timedelta(days=1),
        )  # fmt: skip
        db.session.add(foreign)
    page = browser_as("admin").get("/work/outbox")
    assert "您的善治系统账号" in page and "示例西旗民政局" in page and "far@example.org" not in page
    assert "未配置邮件服务器" in page
    browser_as("clerk").get("/work/outbox", status=403)
