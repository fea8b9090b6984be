"""Forms of signing in, one's own account, and the administration of accounts."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import PasswordField, StringField
from wtforms.validators import ValidationError

from core.access.policy import ADMINISTRATORS, ROLES
from core.web.forms import ChoiceField, Form, MaxLength, Required
from core.web.words import say
from registry.accounts.rules import password_problem
from registry.agencies.models import Agency
from registry.organizations.forms import OrganizationField


class SignInForm(Form):
    login = StringField(_l("Login"), validators=[Required(), MaxLength(60)])
    password = PasswordField(_l("Password"), validators=[Required(), MaxLength(1000)])


class FilterForm(Form):
    """Filters of the list of accounts."""

    q = StringField(_l("Name or login"))
    state = ChoiceField(
        _l("Account"),
        choices=[
            ("", _l("open and closed")),
            ("open", _l("open")),
            ("locked", _l("locked")),
            ("closed", _l("closed")),
            ("new", _l("without a role")),
        ],
        default="",
    )


class LanguageForm(Form):
    locale = ChoiceField(_l("Language of the pages"), choices=[("zh", "中文"), ("en", "English")])


class _NewPassword(Form):
    """A password written twice; ``login`` and ``name`` are those of its owner."""

    new = PasswordField(_l("New password"), validators=[Required()])
    again = PasswordField(_l("New password again"), validators=[Required()])

    owner_login = ""
    owner_name = ""

    def validate_new(self, field: Any) -> None:
        problem = password_problem(field.data or "", login=self.owner_login, name=self.owner_name)
        if problem is not None:
            raise ValidationError(say(problem))

    def validate_again(self, field: Any) -> None:
        if field.data != self.new.data:
            raise ValidationError(gettext("The two passwords differ: type both again."))


class ResetPasswordForm(_NewPassword):
    """An administrator's new password for somebody."""


class ChangePasswordForm(_NewPassword):
    current = PasswordField(_l("Present password"), validators=[Required(), MaxLength(1000)])


def _units(agencies: list[Agency]) -> list[tuple[str, str]]:
    """The tree as choices, deeper units further in."""
    return [("", "—")] + [(str(agency.id), "\u3000" * agency.depth + agency.name) for agency in agencies]


class GrantForm(Form):
    """A role at one agency of the list, or at an organization given by name or credit code."""

    role = ChoiceField(_l("Role"), validators=[Required()])
    agency = ChoiceField(_l("Unit"), default="")
    organization = OrganizationField(_l("Organization"), validators=[MaxLength(120)])

    def __init__(self, agencies: list[Agency], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # Business roles first: an administrator's is the one given by accident least gladly.
        names = sorted(ROLES, key=lambda name: name in ADMINISTRATORS)
        self.role.choices = [(name, say(ROLES[name].label)) for name in names]
        self.agency.choices = _units(agencies)

    def held_at(self) -> str:
        return ROLES[self.role.data].held_at if self.role.data in ROLES else ""

    def validate_agency(self, field: Any) -> None:
        if self.held_at() == "agency" and not field.data:
            raise ValidationError(gettext("This role is held at a unit: choose it."))
        if self.held_at() == "organization" and field.data:
            raise ValidationError(gettext("This role is held at an organization: leave the unit empty."))

    def validate_organization(self, field: Any) -> None:
        filled = bool((field.data or "").strip())
        if self.held_at() == "organization" and not filled:
            raise ValidationError(
                gettext("This role is held at an organization: write its full name or credit code.")
            )
        if self.held_at() == "agency" and filled:
            raise ValidationError(gettext("This role is held at a unit: leave the organization empty."))


class ContactForm(Form):
    email = StringField(_l("E-mail"), validators=[MaxLength(120)])


class AccountForm(Form):
    """A new account: the person, the login and the unit that keeps it. It can do nothing yet."""

    name = StringField(_l("Name of the person"), validators=[Required(), MaxLength(60)])
    phone = StringField(_l("Mobile number"), validators=[Required(), MaxLength(20)])
    email = StringField(_l("E-mail"), validators=[MaxLength(120)])
    title = StringField(_l("Position"), validators=[MaxLength(60)])
    login = StringField(_l("Login"), validators=[Required(), MaxLength(60)])
    agency = ChoiceField(_l("Kept at the unit"), validators=[Required()])

    def __init__(self, agencies: list[Agency], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.agency.choices = _units(agencies)
