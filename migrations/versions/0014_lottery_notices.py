"""lottery notices and alerts: the sign of the lottery, and what is published or closed stays

Revision ID: 0014
Revises: 0013
Create Date: 2026-11-24

"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# A published notice and a closed case are never changed or deleted.
FROZEN = (("lottery_notice", "published"), ("fund_alert", "closed"))


def upgrade():
    # In one statement: making the table anew would drop what others refer to.
    op.execute(
        "ALTER TABLE service_record ADD COLUMN shows_sign BOOLEAN NOT NULL DEFAULT FALSE"
        " CONSTRAINT ck_service_record_sign_in_photo CHECK (photo_id IS NOT NULL OR NOT shows_sign)"
    )
    op.create_table('checkpoint_evidence',
    sa.Column('checkpoint_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('file_id', sa.BigInteger(), nullable=False),
    sa.Column('handed_by', sa.BigInteger(), nullable=False),
    sa.Column('handed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['checkpoint_id'], ['checkpoint.id'], name=op.f('fk_checkpoint_evidence_checkpoint_id')),
    sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_checkpoint_evidence_file_id')),
    sa.ForeignKeyConstraint(['handed_by'], ['user_account.id'], name=op.f('fk_checkpoint_evidence_handed_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_checkpoint_evidence'))
    )
    op.create_index(op.f('ix_checkpoint_evidence_checkpoint_id_id'), 'checkpoint_evidence', ['checkpoint_id', 'id'], unique=False)
    for table, state in FROZEN:
        for trigger in triggers(table, state):
            op.execute(trigger)


def triggers(table, state):
    if op.get_bind().dialect.name == "postgresql":
        yield (
            f"CREATE TRIGGER {table}_frozen BEFORE UPDATE OR DELETE ON {table}"
            f" FOR EACH ROW WHEN (OLD.state = '{state}') EXECUTE FUNCTION refuse_change()"
        )
        return
    for act in ("update", "delete"):
        yield (
            f"CREATE TRIGGER {table}_no_{act} BEFORE {act.upper()} ON {table} WHEN OLD.state = '{state}' BEGIN"
            f" SELECT RAISE(ABORT, '{table} is append-only: what is {state} is never changed or deleted'); END"
        )


def downgrade():
    postgresql = op.get_bind().dialect.name == "postgresql"
    for table, _state in FROZEN:
        for name in ("frozen",) if postgresql else ("no_update", "no_delete"):
            op.execute(f"DROP TRIGGER {table}_{name}" + (f" ON {table}" if postgresql else ""))
    op.drop_table("checkpoint_evidence")
    if postgresql:
        op.drop_column("service_record", "shows_sign")
    else:
        op.execute("ALTER TABLE service_record DROP COLUMN shows_sign")
