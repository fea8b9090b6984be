"""The factory: puts the rooms together into one application."""

from __future__ import annotations

import importlib
import importlib.util
from datetime import date
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, g, has_app_context, render_template, request
from flask_babel import force_locale
from flask_bootstrap import Bootstrap5
from flask_login import LoginManager, current_user
from flask_migrate import Migrate
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy.exc import DataError
from werkzeug.exceptions import HTTPException

from app import commands, settings
from core import clock, lifecycle
from core.access.policy import ROLES, Refusal
from core.db import configure_engine, db
from core.rules.queries import calendar_overrides
from core.text import N_, Message
from core.web import gate, navigation, sessions, urls, words
from registry.accounts import queries as accounts

ROOT = Path(__file__).resolve().parent.parent

# The rooms in the order of the house; each offers what it has of models, lifecycle, routes, commands.
ROOMS = (
    "core.rules", "core.audit", "core.access", "core.files", "core.jobs", "core.mail", "core.documents", "core.web",
    "registry.proof", "registry.agencies", "registry.persons", "registry.organizations", "registry.interests",
    "registry.accounts", "registry.factors", "registry.delegations", "registry.custody", "registry.liaison",
    "registry.particulars", "registry.corrections", "registry.governance", "registry.updates", "registry.hubs", "registry.duplicates",
    "registry.credit", "registry.inspections", "registry.party_orgs", "registry.party", "registry.outcomes", "registry.experts", "registry.workforce", "registry.incubation",
    "registry.keys", "registry.directory", "registry.intake", "registry.rosters", "registry.factsheets",
    "finance.ledger", "finance.funds", "finance.catalogue", "finance.lines",
    "finance.contracts", "finance.figures", "finance.evidence", "finance.continuations", "finance.purchasing",
    "finance.exceptions", "finance.snapshots", "finance.ratios",
    "finance.commitments", "finance.disbursements", "finance.recoveries", "finance.hosting", "finance.batches",
    "finance.lottery", "finance.announcements", "finance.alerts", "finance.books", "finance.exports", "finance.statements",
    "grants.rubrics", "grants.calls", "grants.applications", "grants.notices",
    "projects.agreements", "projects.delivery", "projects.team", "projects.spending", "projects.supervision",
    "projects.claims", "projects.closure",
    "evaluation.panels", "evaluation.reviews", "evaluation.decisions", "evaluation.checkpoints",
    "app.home", "app.dossier", "app.portal", "app.search", "app.work", "app.trail", "app.rulebook", "app.handover",
    "app.demo",
)  # fmt: skip

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
}


def create_app(overrides: dict[str, Any] | None = None) -> Flask:
    """The application; ``overrides`` replace settings (tests: database, instance folder)."""
    instance, config = settings.load(ROOT)
    overrides = dict(overrides or {})
    instance = Path(overrides.pop("INSTANCE", instance))
    app = Flask(
        __name__,
        instance_path=str(instance),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    app.config.from_mapping(config)
    app.config.from_mapping(overrides)
    db.init_app(app)
    with app.app_context():
        configure_engine(db.engine)
    app.url_map.converters["int"] = urls.RowNumber
    Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
    CSRFProtect(app)
    _bootstrap(app)
    words.init_app(app)
    _sign_in(app)
    _rooms(app)
    _templates(app)
    _requests(app)
    _errors(app)
    gate.check_every_endpoint(app)
    return app


def _bootstrap(app: Flask) -> None:
    app.config["BOOTSTRAP_SERVE_LOCAL"] = True
    Bootstrap5(app)


def _sign_in(app: Flask) -> None:
    manager = LoginManager(app)
    manager.login_view = "accounts.sign_in"
    manager.login_message = None
    manager.user_loader(accounts.user_of_session)


def _rooms(app: Flask) -> None:
    for room in ROOMS:
        for part in ("models", "lifecycle", "jobs", "commands", "routes"):
            name = f"{room}.{part}"
            if importlib.util.find_spec(name) is None:
                continue
            module = importlib.import_module(name)
            if part == "routes":
                app.register_blueprint(module.bp)
            elif part == "commands":
                # A room's command group, or single commands of its own name.
                for command in getattr(module, "clis", None) or [module.cli]:
                    app.cli.add_command(command)

    for command in commands.clis:
        app.cli.add_command(command)


def _templates(app: Flask) -> None:
    app.jinja_env.add_extension("jinja2.ext.do")
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        asset=urls.asset,
        carried=urls.carried,
        form_key=gate.form_key,
        one_time_key=gate.one_time_key,
        state_of=lifecycle.state_of,
        available=lifecycle.available,
        clock=clock,
        ROLES=ROLES,
    )

    @app.context_processor
    def shell() -> dict[str, Any]:
        signed_in = current_user and current_user.is_authenticated
        return {"navigation": navigation.menu() if signed_in else []}


def _requests(app: Flask) -> None:
    def day_lookup(day: date) -> bool | None:
        if not has_app_context():
            return None
        if "calendar" not in g:
            g.calendar = calendar_overrides()
        return g.calendar.get(day)

    clock.use_calendar(day_lookup)

    app.session_interface = sessions.CookieSessions()
    app.before_request(sessions.limit_session)

    @app.before_request
    def refuse_control_signs() -> None:
        # PostgreSQL keeps no NUL in a text; nobody types one.
        if request.endpoint and any(
            "\x00" in value
            for source in (request.args, request.form)
            for _, value in source.items(multi=True)
        ):
            abort(400)

    @app.after_request
    def harden(response: Response) -> Response:
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        if request.endpoint not in urls.FILES:
            response.headers.setdefault("Cache-Control", "no-store")
            response.vary.add("Cookie")
        elif request.args.get("v"):
            response.cache_control.immutable = True
        return response


def _errors(app: Flask) -> None:
    @app.errorhandler(Refusal)
    def refused(error: Refusal) -> tuple[str, int]:
        return render_template("errors/refusal.html", refusal=error), error.status

    @app.errorhandler(CSRFError)
    def stale_form(error: CSRFError) -> tuple[str, int]:
        refusal = Refusal(
            Message(N_("This form belongs to an older session. Open the page again and send it from there.")),
            status=400,
        )
        return render_template("errors/refusal.html", refusal=refusal), 400

    @app.errorhandler(OverflowError)
    @app.errorhandler(DataError)
    def beyond_bounds(error: Exception) -> tuple[str, int]:
        """A number or text that no column holds and no form has stopped; the transaction is undone."""
        app.logger.info("out of bounds: %s", error)
        refusal = Refusal(
            Message(N_("A number or a text on this form is larger than can be kept. Check what you typed.")),
            status=400,
        )
        return render_template("errors/refusal.html", refusal=refusal), 400

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Any:
        code = error.code or 500
        if code < 400:
            return error
        if code >= 500:
            return _failure(app, code)
        known = code if (ROOT / "templates" / "errors" / f"{code}.html").exists() else 400
        headers = [(k, v) for k, v in error.get_headers() if k.lower() in ("allow", "retry-after")]
        return render_template(f"errors/{known}.html", error=error), code, headers


def _failure(app: Flask, code: int) -> tuple[str, int]:
    """The page of last resort: neither the database nor the session is touched."""
    template = app.jinja_env.get_template("errors/500.html")
    with force_locale(words.CHINESE):
        return template.render(config=app.config, request=request), code
