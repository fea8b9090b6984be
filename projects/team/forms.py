"""Forms of the team."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, IntegerField, StringField

from core import clock
from core.web.forms import Between, ChoiceField, DayField, Form, MaxLength, Required
from core.web.words import say
from projects.team.queries import Member
from registry.organizations.forms import ChecksField
from registry.workforce.models import LEVELS, SKILLS


class CandidatesFilter(Form):
    kind = ChoiceField(_l("Looked for"), default="volunteers")
    q = StringField(_l("Name or organization"))
    skill = ChoiceField(_l("Skill"), default="")
    level = ChoiceField(_l("Level"), default="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = [("volunteers", gettext("Volunteers")), ("workers", gettext("Social workers"))]
        self.skill.choices = [("", gettext("all")), *((name, say(word)) for name, word in SKILLS.items())]
        self.level.choices = [("", gettext("all")), *((name, say(word)) for name, word in LEVELS.items())]


class PickForm(Form):
    task = StringField(
        _l("Task in the project"), validators=[Required(), MaxLength(80)],
        description=_l("For example: visits on Tuesdays, photographs, book-keeping."),
    )  # fmt: skip
    since = DayField(_l("First day"), validators=[Required()])


class ReleaseForm(Form):
    on = DayField(_l("Last day"), validators=[Required()], default=clock.today)


class TeamHoursForm(Form):
    on = DayField(_l("Day"), validators=[Required()], default=clock.today)
    minutes = IntegerField(
        _l("Minutes each of them gave"), validators=[Required(), Between(1, 1440)],
        description=_l("Ninety minutes are one hour and a half."),
    )  # fmt: skip
    activity = StringField(_l("What was done"), validators=[Required(), MaxLength(80)])
    members = ChecksField(_l("Who took part"), validators=[Required()])
    dangerous = BooleanField(
        _l("The work may be dangerous"), description=_l("For such work each volunteer needs an insurance in force.")
    )  # fmt: skip

    def __init__(self, members: Sequence[Member], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.members.choices = [
            (str(item.row.id), f"{item.row.entry.person.name} · {item.row.task}" if item.row.task else item.row.entry.person.name)
            for item in members
        ]  # fmt: skip
