"""The PostgreSQL of the tests is real, each worker's own, and gone after the run."""

import os

from sqlalchemy import create_engine, text

from tests import postgres


def test_each_worker_has_its_own_database() -> None:
    engine = create_engine(postgres.database_url())
    with engine.connect() as connection:
        name, version = connection.execute(
            text("SELECT current_database(), current_setting('server_version_num')")
        ).one()
        assert name == os.environ.get("PYTEST_XDIST_WORKER", "main")
        assert int(version) >= 150000
        assert connection.scalar(text("SHOW fsync")) == "off"
    engine.dispose()


def test_amounts_above_an_integer_and_chinese_words_come_back() -> None:
    engine = create_engine(postgres.database_url())
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT CAST(2147483648 AS bigint), CAST('养老' AS text), length('养老')")
        ).one()
        assert tuple(found) == (2147483648, "养老", 2)
    engine.dispose()


def test_a_fresh_database_is_empty() -> None:
    name = f"scratch_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    for _ in range(2):
        engine = create_engine(postgres.fresh_database(name))
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE thing (id bigint)"))
        engine.dispose()
