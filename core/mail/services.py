"""Queuing mail in the business transaction, and sending it from the worker."""

from __future__ import annotations

import logging
import re
import smtplib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.utils import formataddr
from typing import Any

from flask import current_app, render_template
from flask_babel import force_locale
from markupsafe import Markup
from sqlalchemy import select, update

from core import clock
from core.db import db, transaction
from core.mail.models import Mail
from core.text import Message

log = logging.getLogger(__name__)

LOCALES = {"zh": "zh_Hans_CN", "en": "en"}
ADDRESS = re.compile(r"[^@\s<>\",;:\\]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
WAITS = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))
CLAIM = timedelta(minutes=10)
BATCH = 50
SECONDS_FOR_ONE = 30


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom to write to and in which language (``zh`` or ``en``)."""

    address: str
    name: str
    locale: str = "zh"


def is_address(text: str) -> bool:
    return len(text) <= 120 and ADDRESS.fullmatch(text) is not None


def send(
    template: str, params: dict[str, Any], *, to: Iterable[Recipient], agency_id: int | None = None
) -> int:
    """Put a mail into the outbox for each recipient that has an address; how many.

    ``template`` names a file of ``templates/mail``; its first line is the subject. Nothing is written
    out or sent here, so that nothing about a mail can fail in the business transaction.
    """
    stored = Message(template, params).to_dict()["params"]
    now = clock.now()
    rows = [
        Mail(
            address=item.address,
            name=item.name[:60],
            locale=item.locale,
            template=template,
            params=stored,
            agency_id=agency_id,
            queued_at=now,
            due_at=now,
        )
        for item in to
        if is_address(item.address)
    ]
    db.session.add_all(rows)
    db.session.flush()
    return len(rows)


def written(mail: Mail) -> tuple[str, str]:
    """Subject and text in the reader's language."""
    params = Message.from_dict({"id": mail.template, "params": mail.params}).params
    with force_locale(LOCALES.get(mail.locale, "zh_Hans_CN")):
        # Texts of templates come escaped for pages.
        text = Markup(render_template(f"mail/{mail.template}.txt", name=mail.name, **params)).unescape()
    subject, _, body = text.strip().partition("\n")
    return " ".join(subject.split())[:200], body.strip() + "\n"


def deliver_due() -> int:
    """Send what is due, or keep it where no mail server is set; how many were looked at."""
    due = select(Mail.id).where(Mail.state == "queued", Mail.due_at <= clock.now()).order_by(Mail.due_at)
    numbers = db.session.scalars(due.limit(BATCH)).all()
    for number in numbers:
        _deliver(number)
    return len(numbers)


def _deliver(number: int) -> None:
    """One mail. Two workers do not both take it; one whose worker dies is taken again after a while."""
    now = clock.now()
    with transaction() as session:
        taken = session.execute(
            update(Mail)
            .where(Mail.id == number, Mail.state == "queued", Mail.due_at <= now)
            .values(due_at=now + CLAIM, attempts=Mail.attempts + 1)
        )
        if taken.rowcount != 1:  # type: ignore[attr-defined]
            return
    mail = db.session.get_one(Mail, number)
    subject = body = error = ""
    try:
        subject, body = written(mail)
        state = "sent" if _post(mail, subject, body) else "kept"
    except Exception as problem:
        log.warning("mail %s was not sent: %r", number, problem)
        state, error = "queued" if mail.attempts <= len(WAITS) else "failed", repr(problem)[:500]
    with transaction() as session:
        mail = session.get_one(Mail, number)
        mail.state, mail.error = state, error
        mail.subject, mail.body = subject or mail.subject, body or mail.body
        if state == "sent":
            mail.sent_at = clock.now()
        elif state == "queued":
            mail.due_at = clock.now() + WAITS[mail.attempts - 1]


def _post(mail: Mail, subject: str, body: str) -> bool:
    """Hand it to the mail server; ``False`` where none is set."""
    config = current_app.config
    if not config.get("MAIL_SERVER"):
        return False
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = config["MAIL_SENDER"]
    message["To"] = formataddr((mail.name, mail.address))
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body)
    secure = smtplib.SMTP_SSL if config["MAIL_SECURITY"] == "tls" else smtplib.SMTP
    with secure(config["MAIL_SERVER"], config["MAIL_PORT"], timeout=SECONDS_FOR_ONE) as server:
        if config["MAIL_SECURITY"] == "starttls":
            server.starttls()
        if config["MAIL_USERNAME"]:
            server.login(config["MAIL_USERNAME"], config["MAIL_PASSWORD"])
        server.send_message(message)
    return True
