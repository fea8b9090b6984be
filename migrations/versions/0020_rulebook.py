"""overrides by two people; what is frozen or in force is never changed

Revision ID: 0020
Revises: 0019
Create Date: 2026-11-24

"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

FROZEN = (
    "agency_id", "division_code", "fiscal_year", "version", "content", "digest", "rows_file_id", "below",
    "reason", "reason_text", "reason_file_id", "prepared_by", "prepared_at",
)  # fmt: skip
DRAFTED = (
    "agency_id", "family", "jurisdiction", "programme", "valid_from", "parameters", "source", "reason", "state",
    "drafted_by", "drafted_at", "reviewed_by", "approved_by", "rule_set_id",
)  # fmt: skip


def upgrade():
    op.create_table('override_proposal',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('division_code', sa.String(length=12), nullable=False),
    sa.Column('contractor_code', sa.String(length=18), nullable=False),
    sa.Column('contractor', sa.String(length=120), nullable=False),
    sa.Column('counts', sa.Boolean(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('proposed_by', sa.BigInteger(), nullable=False),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_by', sa.BigInteger(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint("reason <> ''", name=op.f('ck_override_proposal_reason_given')),
    sa.CheckConstraint("state = 'proposed' OR decided_by IS NOT NULL", name=op.f('ck_override_proposal_decided_has_person')),
    sa.CheckConstraint("state IN ('proposed', 'confirmed', 'refused')", name=op.f('ck_override_proposal_known_state')),
    sa.CheckConstraint('decided_by <> proposed_by', name=op.f('ck_override_proposal_two_people')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_override_proposal_agency_id')),
    sa.ForeignKeyConstraint(['decided_by'], ['user_account.id'], name=op.f('fk_override_proposal_decided_by')),
    sa.ForeignKeyConstraint(['proposed_by'], ['user_account.id'], name=op.f('fk_override_proposal_proposed_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_override_proposal'))
    )
    op.create_index(op.f('ix_override_proposal_agency_id_state_id'), 'override_proposal', ['agency_id', 'state', 'id'], unique=False)
    op.create_index(op.f('ix_override_proposal_decided_by'), 'override_proposal', ['decided_by'], unique=False)
    op.create_index(op.f('ix_override_proposal_division_code_id'), 'override_proposal', ['division_code', 'id'], unique=False)
    op.create_index(op.f('ix_override_proposal_proposed_by'), 'override_proposal', ['proposed_by'], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER ratio_snapshot_frozen BEFORE UPDATE OF {', '.join(FROZEN)} OR DELETE ON ratio_snapshot"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER rule_draft_in_force BEFORE UPDATE OF {', '.join(DRAFTED)} OR DELETE ON rule_draft"
            " FOR EACH ROW WHEN (OLD.state = 'in_force') EXECUTE FUNCTION refuse_change()"
        )
        return
    for act in (f"UPDATE OF {', '.join(FROZEN)}", "DELETE"):
        op.execute(
            f"CREATE TRIGGER ratio_snapshot_no_{act.split()[0].lower()} BEFORE {act} ON ratio_snapshot BEGIN"
            " SELECT RAISE(ABORT, 'ratio_snapshot is append-only: what is frozen is never changed or deleted'); END"
        )
    for act in (f"UPDATE OF {', '.join(DRAFTED)}", "DELETE"):
        op.execute(
            f"CREATE TRIGGER rule_draft_no_{act.split()[0].lower()} BEFORE {act} ON rule_draft"
            " WHEN OLD.state = 'in_force' BEGIN"
            " SELECT RAISE(ABORT, 'rule_draft is append-only: what is in force is never changed or deleted'); END"
        )


def downgrade():
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER rule_draft_in_force ON rule_draft")
        op.execute("DROP TRIGGER ratio_snapshot_frozen ON ratio_snapshot")
    else:
        for name in ("ratio_snapshot_no_update", "ratio_snapshot_no_delete", "rule_draft_no_update", "rule_draft_no_delete"):
            op.execute(f"DROP TRIGGER {name}")
    op.drop_table("override_proposal")
