"""Forms of the workspace of a hub."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField

from core.web.forms import ChoiceField, DayField, Form, MaxLength, Required
from registry.hubs.models import MEMBERSHIPS, SERVICES
from registry.organizations.forms import OrganizationField, choices


class JoinForm(Form):
    member = OrganizationField(
        _l("Organization"),
        validators=[Required(), MaxLength(120)],
        description=_l("Full name or credit code, as on the register of your department."),
    )
    kind = ChoiceField(_l("It is"), validators=[Required()])
    since = DayField(_l("Since"), validators=[Required()])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind.choices = choices(MEMBERSHIPS)


class LeaveForm(Form):
    until = DayField(_l("Last day"), validators=[Required()])


class ServiceForm(Form):
    kind = ChoiceField(_l("Service"), validators=[Required()])
    done_on = DayField(_l("Day"), validators=[Required()])
    text = TextAreaField(_l("What was done"), validators=[Required(), MaxLength(1000)])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind.choices = choices(SERVICES)
