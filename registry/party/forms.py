"""Forms of the party file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, MultipleFileField
from wtforms import BooleanField, StringField, TextAreaField
from wtforms.validators import ValidationError

from core import clock
from core.web.forms import Between, ChoiceField, DayField, Form, MaxLength, Required
from core.web.words import say
from registry.agencies.models import Agency
from registry.organizations.forms import WholeNumberField, choices
from registry.party.models import ACTIVITY_KINDS, MEMBER_KINDS, POSTS, ROUTES, WORKER_SOURCES, PartyWorker
from registry.party.queries import VIEWS


class FilterForm(Form):
    """Filters of the list; a value that is not offered filters nothing."""

    q = StringField(_l("Name or credit code"))
    view = ChoiceField(_l("Where it stands"), default="")
    route = ChoiceField(_l("Route of supervision"), default="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.view.choices = [("", gettext("all")), *((name, say(word)) for name, (word, _) in VIEWS.items())]
        self.route.choices = [("", gettext("all routes")), *choices(ROUTES), ("none", gettext("none named"))]


class RouteForm(Form):
    route = ChoiceField(_l("Route of supervision"), validators=[Required()])
    responsible = ChoiceField(_l("Responsible unit"), default="")
    responsible_name = StringField(_l("Another unit, by name"), validators=[MaxLength(120)])
    since = DayField(_l("Since"), validators=[Required()], default=clock.today)
    grid_code = StringField(_l("Code of the grid cell"), validators=[MaxLength(20)])

    def __init__(self, agencies: Sequence[Agency], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.route.choices = choices(ROUTES)
        self.responsible.choices = [
            ("", gettext("another unit, named below")),
            *((str(agency.id), agency.name) for agency in agencies),
        ]


class CharterForm(Form):
    leadership = BooleanField(_l("Party building"))
    values = BooleanField(_l("Core socialist values"))
    community = BooleanField(_l("Sense of community of the Chinese nation"))
    charter_on = DayField(_l("Day of the charter"))

    def validate_charter_on(self, field: Any) -> None:
        clauses = self.leadership.data or self.values.data or self.community.data
        if clauses and field.data is None and not field.errors:
            raise ValidationError(gettext("Give the day of the charter that has these clauses."))


class StepForm(Form):
    done_on = DayField(_l("Done on"), validators=[Required()], default=clock.today)
    officer = StringField(_l("Who did it"), validators=[Required(), MaxLength(60)])
    note = TextAreaField(_l("Note"), validators=[MaxLength(1000)])
    file = FileField(_l("Paper of the step"))


class YearStepForm(StepForm):
    year = WholeNumberField(_l("Year of the report"), validators=[Required(), Between(1990, 2100)])


class SurveyForm(Form):
    surveyed_on = DayField(_l("Surveyed on"), validators=[Required()], default=clock.today)
    employees = WholeNumberField(_l("Employees"), validators=[Required(), Between(0, 1_000_000)])
    full_members = WholeNumberField(_l("Full party members"), validators=[Required(), Between(0, 100_000)])
    probationary_members = WholeNumberField(
        _l("Probationary members"), default=0, validators=[Required(), Between(0, 100_000)]
    )
    relation_elsewhere = WholeNumberField(
        _l("Of these, membership belongs elsewhere"), default=0, validators=[Required(), Between(0, 100_000)]
    )
    file = FileField(_l("Survey form as filled in"))


class MemberForm(Form):
    name = StringField(_l("Name"), validators=[Required(), MaxLength(60)])
    phone = StringField(_l("Telephone"), validators=[Required(), MaxLength(20)])
    kind = ChoiceField(_l("Kind of member"), validators=[Required()])
    home_unit = StringField(_l("Membership belongs to, when elsewhere"), validators=[MaxLength(120)])
    grid_code = StringField(_l("Code of the grid cell"), validators=[MaxLength(20)])
    since = DayField(_l("Active here since"), validators=[Required()], default=clock.today)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind.choices = choices(MEMBER_KINDS)


class WorkerForm(Form):
    agency = ChoiceField(_l("Pool of"), validators=[Required()])
    name = StringField(_l("Name"), validators=[Required(), MaxLength(60)])
    phone = StringField(_l("Telephone"), validators=[Required(), MaxLength(20)])
    source = ChoiceField(_l("Where the worker comes from"), validators=[Required()])
    unit = StringField(_l("Own unit"), validators=[MaxLength(120)])
    since = DayField(_l("In the pool since"), validators=[Required()], default=clock.today)

    def __init__(self, agencies: Sequence[Agency], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.agency.choices = [(str(agency.id), agency.name) for agency in agencies]
        self.source.choices = choices(WORKER_SOURCES)


class PostForm(Form):
    worker = ChoiceField(_l("Party worker"), validators=[Required()])
    post = ChoiceField(_l("Post of the worker"), validators=[Required()])
    since = DayField(_l("Since"), validators=[Required()], default=clock.today)

    def __init__(self, workers: Sequence[PartyWorker], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.worker.choices = [
            (str(item.id), f"{item.person.name} ({say(WORKER_SOURCES[item.source])})") for item in workers
        ]
        self.post.choices = choices(POSTS)


class ActivityForm(Form):
    kind = ChoiceField(_l("Kind of party activity"), validators=[Required()])
    title = StringField(_l("Title of the activity"), validators=[Required(), MaxLength(120)])
    held_on = DayField(_l("Held on"), validators=[Required()], default=clock.today)
    place = StringField(_l("Place"), validators=[MaxLength(120)])
    attended = WholeNumberField(_l("How many came"), validators=[Required(), Between(1, 100_000)])
    account = TextAreaField(_l("What was done"), validators=[MaxLength(4000)])
    files = MultipleFileField(_l("Photos and documents"))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind.choices = choices(ACTIVITY_KINDS)


class ActivityFilterForm(Form):
    q = StringField(_l("Name or credit code"))
    kind = ChoiceField(_l("Kind of party activity"), default="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = [("", gettext("all kinds")), *choices(ACTIVITY_KINDS)]


class AsOfForm(Form):
    on = DayField(_l("As of"), default=clock.today)
