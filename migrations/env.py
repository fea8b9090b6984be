"""Alembic's environment: migrates the database the application is configured for."""

from __future__ import annotations

import logging
from logging.config import fileConfig

from alembic import context
from flask import current_app

from core.db import InstantType, MoneyType

config = context.config
fileConfig(config.config_file_name, disable_existing_loggers=False)
logger = logging.getLogger("alembic.env")

engine = current_app.extensions["migrate"].db.engine
metadata = current_app.extensions["migrate"].db.metadata


def render_item(kind, item, autogen_context):
    """Write our column types by what they are in the database: migrations outlive the code."""
    if kind == "type" and isinstance(item, MoneyType):
        return "sa.BigInteger()"
    if kind == "type" and isinstance(item, InstantType):
        return "sa.DateTime(timezone=True)"
    return False


def run() -> None:
    with engine.connect() as connection:
        # One transaction for all steps, with SQLite's write lock from the start.
        connection = connection.execution_options(writing=True)
        context.configure(
            connection=connection,
            target_metadata=metadata,
            render_item=render_item,
            render_as_batch=True,
            compare_type=False,
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("migrations run against a database; offline mode is not offered")
run()
