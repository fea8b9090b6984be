"""the ratio as data, kept as contracts arrive; rule sets are drafted, reviewed and put in force

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-22

"""
from alembic import op
import sqlalchemy as sa


revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade():
    # Added as columns: making the tables anew on SQLite would lose their other checks.
    op.execute(
        "ALTER TABLE purchase ADD COLUMN budget_amount BIGINT "
        "CONSTRAINT ck_purchase_budget_not_negative CHECK (budget_amount >= 0)"
    )
    op.execute(
        "ALTER TABLE purchase ADD COLUMN paid_amount BIGINT "
        "CONSTRAINT ck_purchase_paid_not_negative CHECK (paid_amount >= 0)"
    )
    op.execute(
        "ALTER TABLE purchase_import ADD COLUMN file_id BIGINT "
        "CONSTRAINT fk_purchase_import_file_id REFERENCES stored_file (id)"
    )
    op.execute("ALTER TABLE purchase_import ADD COLUMN preview TEXT DEFAULT '' NOT NULL")
    op.execute(
        "ALTER TABLE purchase_import ADD COLUMN replaces_id BIGINT "
        "CONSTRAINT fk_purchase_import_replaces_id REFERENCES purchase_import (id)"
    )
    op.execute("ALTER TABLE purchase_import ADD COLUMN removed INTEGER DEFAULT 0 NOT NULL")
    op.add_column('purchase_import', sa.Column('taken_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('purchase_import', sa.Column('job_id', sa.BigInteger(), nullable=True))
    # What is there was taken when it came.
    op.execute("UPDATE purchase_import SET taken_at = imported_at")
    op.create_table('service_year',
    sa.Column('variant', sa.String(length=10), nullable=False),
    sa.Column('division_code', sa.String(length=12), nullable=False),
    sa.Column('fiscal_year', sa.Integer(), nullable=False),
    sa.Column('purchaser', sa.String(length=120), nullable=False),
    sa.Column('key', sa.String(length=170), nullable=False),
    sa.Column('name', sa.String(length=160), nullable=False),
    sa.Column('own_rows', sa.BigInteger(), nullable=False),
    sa.Column('own_fen', sa.BigInteger(), nullable=False),
    sa.Column('own_so_fen', sa.BigInteger(), nullable=False),
    sa.Column('own_so_rest', sa.BigInteger(), nullable=False),
    sa.Column('own_before_rows', sa.BigInteger(), nullable=False),
    sa.Column('own_before_fen', sa.BigInteger(), nullable=False),
    sa.Column('own_before_so_fen', sa.BigInteger(), nullable=False),
    sa.Column('own_before_so_rest', sa.BigInteger(), nullable=False),
    sa.Column('carried', sa.Boolean(), nullable=False),
    sa.Column('joined', sa.Boolean(), nullable=False),
    sa.Column('apart_venture', sa.Boolean(), nullable=False),
    sa.Column('apart_budget', sa.Boolean(), nullable=False),
    sa.Column('total_fen', sa.BigInteger(), nullable=False),
    sa.Column('before_fen', sa.BigInteger(), nullable=False),
    sa.Column('added_fen', sa.BigInteger(), nullable=False),
    sa.Column('so_fen', sa.BigInteger(), nullable=False),
    sa.Column('so_rest', sa.BigInteger(), nullable=False),
    sa.Column('before_so_fen', sa.BigInteger(), nullable=False),
    sa.Column('before_so_rest', sa.BigInteger(), nullable=False),
    sa.Column('added_so_fen', sa.BigInteger(), nullable=False),
    sa.Column('added_so_rest', sa.BigInteger(), nullable=False),
    sa.Column('rounded', sa.Boolean(), nullable=False),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint("variant IN ('contract', 'venture', 'budget', 'payment')", name=op.f('ck_service_year_known_variant')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_service_year')),
    sa.UniqueConstraint('key', 'purchaser', 'division_code', 'fiscal_year', 'variant', name='uq_service_year_service')
    )
    op.create_index('ix_service_year_level', 'service_year', ['division_code', 'fiscal_year', 'variant', 'carried', 'added_fen', 'id'], unique=False)
    op.create_index('ix_service_year_order', 'service_year', ['fiscal_year', 'variant', 'carried', 'added_fen', 'id'], unique=False)
    op.create_table('level_figure',
    sa.Column('variant', sa.String(length=10), nullable=False),
    sa.Column('division_code', sa.String(length=12), nullable=False),
    sa.Column('fiscal_year', sa.Integer(), nullable=False),
    sa.Column('rules_digest', sa.String(length=64), nullable=False),
    sa.Column('services', sa.BigInteger(), nullable=False),
    sa.Column('total_fen', sa.BigInteger(), nullable=False),
    sa.Column('before_fen', sa.BigInteger(), nullable=False),
    sa.Column('added_fen', sa.BigInteger(), nullable=False),
    sa.Column('so_fen', sa.BigInteger(), nullable=False),
    sa.Column('so_rest', sa.BigInteger(), nullable=False),
    sa.Column('before_so_fen', sa.BigInteger(), nullable=False),
    sa.Column('before_so_rest', sa.BigInteger(), nullable=False),
    sa.Column('added_so_fen', sa.BigInteger(), nullable=False),
    sa.Column('added_so_rest', sa.BigInteger(), nullable=False),
    sa.Column('rounded', sa.BigInteger(), nullable=False),
    sa.Column('id', BIG, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_level_figure')),
    sa.UniqueConstraint('division_code', 'fiscal_year', 'variant', name=op.f('uq_level_figure_division_code_fiscal_year_variant'))
    )
    op.create_table('contractor_override',
    sa.Column('division_code', sa.String(length=12), nullable=False),
    sa.Column('contractor_code', sa.String(length=18), nullable=False),
    sa.Column('contractor', sa.String(length=120), nullable=False),
    sa.Column('counts', sa.Boolean(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('decided_on', sa.Date(), nullable=False),
    sa.Column('decided_by', sa.BigInteger(), nullable=True),
    sa.Column('id', BIG, nullable=False),
    sa.ForeignKeyConstraint(['decided_by'], ['user_account.id'], name=op.f('fk_contractor_override_decided_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contractor_override')),
    sa.UniqueConstraint('division_code', 'contractor_code', name=op.f('uq_contractor_override_division_code_contractor_code'))
    )
    op.create_index(op.f('ix_contractor_override_decided_by'), 'contractor_override', ['decided_by'], unique=False)
    op.create_index(op.f('ix_contractor_override_division_code'), 'contractor_override', ['division_code'], unique=False)
    op.create_table('ratio_watch',
    sa.Column('division_code', sa.String(length=12), nullable=False),
    sa.Column('fiscal_year', sa.Integer(), nullable=False),
    sa.Column('quarter', sa.Integer(), nullable=False),
    sa.Column('status', sa.String(length=16), nullable=False),
    sa.Column('shown', sa.String(length=24), nullable=False),
    sa.Column('gap_fen', sa.BigInteger(), nullable=False),
    sa.Column('looked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint('quarter BETWEEN 1 AND 4', name=op.f('ck_ratio_watch_known_quarter')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ratio_watch')),
    sa.UniqueConstraint('division_code', 'fiscal_year', 'quarter', name=op.f('uq_ratio_watch_division_code_fiscal_year_quarter'))
    )
    op.create_table('ratio_snapshot',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('division_code', sa.String(length=12), nullable=False),
    sa.Column('fiscal_year', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('content', sa.Text(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('rows_file_id', sa.BigInteger(), nullable=False),
    sa.Column('below', sa.Boolean(), nullable=False),
    sa.Column('reason', sa.String(length=16), nullable=False),
    sa.Column('reason_text', sa.Text(), nullable=False),
    sa.Column('reason_file_id', sa.BigInteger(), nullable=True),
    sa.Column('prepared_by', sa.BigInteger(), nullable=True),
    sa.Column('prepared_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reviewed_by', sa.BigInteger(), nullable=True),
    sa.Column('approved_by', sa.BigInteger(), nullable=True),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint("state <> 'published' OR NOT below OR (reason <> '' AND reason_text <> '')", name=op.f('ck_ratio_snapshot_miss_has_reason')),
    sa.CheckConstraint("state IN ('prepared', 'reviewed', 'published', 'withdrawn', 'replaced')", name=op.f('ck_ratio_snapshot_known_state')),
    sa.CheckConstraint('approved_by <> prepared_by AND approved_by <> reviewed_by', name=op.f('ck_ratio_snapshot_approver_is_third')),
    sa.CheckConstraint('reviewed_by <> prepared_by', name=op.f('ck_ratio_snapshot_reviewer_not_preparer')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_ratio_snapshot_agency_id')),
    sa.ForeignKeyConstraint(['approved_by'], ['user_account.id'], name=op.f('fk_ratio_snapshot_approved_by')),
    sa.ForeignKeyConstraint(['prepared_by'], ['user_account.id'], name=op.f('fk_ratio_snapshot_prepared_by')),
    sa.ForeignKeyConstraint(['reason_file_id'], ['stored_file.id'], name=op.f('fk_ratio_snapshot_reason_file_id')),
    sa.ForeignKeyConstraint(['reviewed_by'], ['user_account.id'], name=op.f('fk_ratio_snapshot_reviewed_by')),
    sa.ForeignKeyConstraint(['rows_file_id'], ['stored_file.id'], name=op.f('fk_ratio_snapshot_rows_file_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ratio_snapshot')),
    sa.UniqueConstraint('division_code', 'fiscal_year', 'version', name=op.f('uq_ratio_snapshot_division_code_fiscal_year_version'))
    )
    op.create_index(op.f('ix_ratio_snapshot_agency_id'), 'ratio_snapshot', ['agency_id'], unique=False)
    op.create_index(op.f('ix_ratio_snapshot_approved_by'), 'ratio_snapshot', ['approved_by'], unique=False)
    op.create_index(op.f('ix_ratio_snapshot_prepared_by'), 'ratio_snapshot', ['prepared_by'], unique=False)
    op.create_index(op.f('ix_ratio_snapshot_reviewed_by'), 'ratio_snapshot', ['reviewed_by'], unique=False)
    op.create_table('rule_draft',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('family', sa.String(length=8), nullable=False),
    sa.Column('jurisdiction', sa.String(length=12), nullable=False),
    sa.Column('programme', sa.String(length=32), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('parameters', sa.JSON(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('drafted_by', sa.BigInteger(), nullable=False),
    sa.Column('drafted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reviewed_by', sa.BigInteger(), nullable=True),
    sa.Column('approved_by', sa.BigInteger(), nullable=True),
    sa.Column('rule_set_id', sa.BigInteger(), nullable=True),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint("state <> 'in_force' OR rule_set_id IS NOT NULL", name=op.f('ck_rule_draft_in_force_has_rule_set')),
    sa.CheckConstraint("state IN ('draft', 'reviewed', 'in_force', 'withdrawn')", name=op.f('ck_rule_draft_known_state')),
    sa.CheckConstraint('approved_by <> drafted_by AND approved_by <> reviewed_by', name=op.f('ck_rule_draft_approver_is_third')),
    sa.CheckConstraint('reviewed_by <> drafted_by', name=op.f('ck_rule_draft_reviewer_not_drafter')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_rule_draft_agency_id')),
    sa.ForeignKeyConstraint(['approved_by'], ['user_account.id'], name=op.f('fk_rule_draft_approved_by')),
    sa.ForeignKeyConstraint(['drafted_by'], ['user_account.id'], name=op.f('fk_rule_draft_drafted_by')),
    sa.ForeignKeyConstraint(['reviewed_by'], ['user_account.id'], name=op.f('fk_rule_draft_reviewed_by')),
    sa.ForeignKeyConstraint(['rule_set_id'], ['rule_set.id'], name=op.f('fk_rule_draft_rule_set_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rule_draft'))
    )
    op.create_index(op.f('ix_rule_draft_agency_id_state_id'), 'rule_draft', ['agency_id', 'state', 'id'], unique=False)
    op.create_index(op.f('ix_rule_draft_approved_by'), 'rule_draft', ['approved_by'], unique=False)
    op.create_index(op.f('ix_rule_draft_drafted_by'), 'rule_draft', ['drafted_by'], unique=False)
    op.create_index(op.f('ix_rule_draft_reviewed_by'), 'rule_draft', ['reviewed_by'], unique=False)
    op.create_index(op.f('ix_rule_draft_rule_set_id'), 'rule_draft', ['rule_set_id'], unique=False)


def downgrade():
    for table in ('rule_draft', 'ratio_snapshot', 'ratio_watch', 'contractor_override', 'level_figure', 'service_year'):
        op.drop_table(table)
    for column in ('job_id', 'taken_at', 'removed', 'replaces_id', 'preview', 'file_id'):
        op.execute(f"ALTER TABLE purchase_import DROP COLUMN {column}")
    for column in ('paid_amount', 'budget_amount'):
        op.execute(f"ALTER TABLE purchase DROP COLUMN {column}")
