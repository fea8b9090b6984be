"""append-only tables refuse changes

What proves something is written once: entries of the trail, transfers and their postings, the versions
of what was submitted, the versions of the rules. The database itself refuses to change or delete a row.
A later revision that makes one of these tables anew on SQLite takes the triggers with it and has to set
them again.

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-22

"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = ("audit_entry", "transfer", "posting", "application_version", "rule_set")


def upgrade():
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE EXCEPTION '% is append-only: a row is never changed or deleted', TG_TABLE_NAME"
            " USING ERRCODE = 'restrict_violation'; END $$"
        )
    for table in TABLES:
        for trigger in triggers(table):
            op.execute(trigger)


def triggers(table):
    if op.get_bind().dialect.name == "postgresql":
        yield (
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        yield (
            f"CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for act in ("update", "delete"):
        yield (
            f"CREATE TRIGGER {table}_no_{act} BEFORE {act.upper()} ON {table} BEGIN"
            f" SELECT RAISE(ABORT, '{table} is append-only: a row is never changed or deleted'); END"
        )


def downgrade():
    postgresql = op.get_bind().dialect.name == "postgresql"
    for table in TABLES:
        for name in ("append_only", "never_emptied") if postgresql else ("no_update", "no_delete"):
            op.execute(f"DROP TRIGGER {table}_{name}" + (f" ON {table}" if postgresql else ""))
    if postgresql:
        op.execute("DROP FUNCTION refuse_change()")
