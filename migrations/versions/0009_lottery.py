"""plans and notices of lottery funds

Revision ID: 0009
Revises: 0008
Create Date: 2026-11-22

"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("earmark", sa.Column("reason", sa.Text(), nullable=False, server_default=""))

    op.create_table('fund_alert',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('subject_type', sa.String(length=32), nullable=False),
    sa.Column('subject_id', sa.BigInteger(), nullable=False),
    sa.Column('finding', sa.JSON(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=32), nullable=False),
    sa.Column('found_on', sa.Date(), nullable=False),
    sa.Column('opened_by', sa.BigInteger(), nullable=True),
    sa.Column('assigned_agency_id', sa.BigInteger(), nullable=True),
    sa.Column('assigned_by', sa.BigInteger(), nullable=True),
    sa.Column('due_on', sa.Date(), nullable=True),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('answered_by', sa.BigInteger(), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.Column('closed_by', sa.BigInteger(), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('closed_by IS NULL OR answered_by IS NULL OR closed_by <> answered_by', name=op.f('ck_fund_alert_closer_differs')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_fund_alert_agency_id')),
    sa.ForeignKeyConstraint(['answered_by'], ['user_account.id'], name=op.f('fk_fund_alert_answered_by')),
    sa.ForeignKeyConstraint(['assigned_agency_id'], ['agency.id'], name=op.f('fk_fund_alert_assigned_agency_id')),
    sa.ForeignKeyConstraint(['assigned_by'], ['user_account.id'], name=op.f('fk_fund_alert_assigned_by')),
    sa.ForeignKeyConstraint(['closed_by'], ['user_account.id'], name=op.f('fk_fund_alert_closed_by')),
    sa.ForeignKeyConstraint(['opened_by'], ['user_account.id'], name=op.f('fk_fund_alert_opened_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fund_alert'))
    )
    op.create_index(op.f('ix_fund_alert_agency_id_id'), 'fund_alert', ['agency_id', 'id'], unique=False)
    op.create_index(op.f('ix_fund_alert_assigned_agency_id_id'), 'fund_alert', ['assigned_agency_id', 'id'], unique=False)
    op.create_index('uq_fund_alert_going_on', 'fund_alert', ['kind', 'subject_type', 'subject_id'], unique=True, sqlite_where=sa.text("state <> 'closed'"), postgresql_where=sa.text("state <> 'closed'"))
    op.create_table('lottery_notice',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('fiscal_year', sa.Integer(), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('jurisdiction', sa.String(length=60), nullable=False),
    sa.Column('origin', sa.String(length=10), nullable=False),
    sa.Column('number', sa.String(length=60), nullable=False),
    sa.Column('opening_text', sa.Text(), nullable=False),
    sa.Column('effect_text', sa.Text(), nullable=False),
    sa.Column('explanation', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=32), nullable=False),
    sa.Column('drafted_by', sa.BigInteger(), nullable=False),
    sa.Column('reviewed_by', sa.BigInteger(), nullable=True),
    sa.Column('approved_by', sa.BigInteger(), nullable=True),
    sa.Column('published_by', sa.BigInteger(), nullable=True),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('frozen', sa.Text(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint("state <> 'published' OR digest <> ''", name=op.f('ck_lottery_notice_published_is_frozen')),
    sa.CheckConstraint('approved_by IS NULL OR (approved_by <> drafted_by AND approved_by <> reviewed_by)', name=op.f('ck_lottery_notice_approver_differs')),
    sa.CheckConstraint('reviewed_by IS NULL OR reviewed_by <> drafted_by', name=op.f('ck_lottery_notice_reviewer_differs')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_lottery_notice_agency_id')),
    sa.ForeignKeyConstraint(['approved_by'], ['user_account.id'], name=op.f('fk_lottery_notice_approved_by')),
    sa.ForeignKeyConstraint(['drafted_by'], ['user_account.id'], name=op.f('fk_lottery_notice_drafted_by')),
    sa.ForeignKeyConstraint(['published_by'], ['user_account.id'], name=op.f('fk_lottery_notice_published_by')),
    sa.ForeignKeyConstraint(['reviewed_by'], ['user_account.id'], name=op.f('fk_lottery_notice_reviewed_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lottery_notice')),
    sa.UniqueConstraint('agency_id', 'fiscal_year', 'title', name=op.f('uq_lottery_notice_agency_id_fiscal_year_title'))
    )
    op.create_index(op.f('ix_lottery_notice_agency_id_id'), 'lottery_notice', ['agency_id', 'id'], unique=False)
    op.create_index(op.f('ix_lottery_notice_state_id'), 'lottery_notice', ['state', 'id'], unique=False)
    op.create_table('lottery_plan',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('fund_source_id', sa.BigInteger(), nullable=False),
    sa.Column('fiscal_year', sa.Integer(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=32), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('findings', sa.Text(), nullable=False),
    sa.Column('drafted_by', sa.BigInteger(), nullable=False),
    sa.Column('reviewed_by', sa.BigInteger(), nullable=True),
    sa.Column('approved_by', sa.BigInteger(), nullable=True),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('approved_by IS NULL OR (approved_by <> drafted_by AND approved_by <> reviewed_by)', name=op.f('ck_lottery_plan_approver_differs')),
    sa.CheckConstraint('reviewed_by IS NULL OR reviewed_by <> drafted_by', name=op.f('ck_lottery_plan_reviewer_differs')),
    sa.CheckConstraint('revision > 0', name=op.f('ck_lottery_plan_revision_positive')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_lottery_plan_agency_id')),
    sa.ForeignKeyConstraint(['approved_by'], ['user_account.id'], name=op.f('fk_lottery_plan_approved_by')),
    sa.ForeignKeyConstraint(['drafted_by'], ['user_account.id'], name=op.f('fk_lottery_plan_drafted_by')),
    sa.ForeignKeyConstraint(['fund_source_id'], ['fund_source.id'], name=op.f('fk_lottery_plan_fund_source_id')),
    sa.ForeignKeyConstraint(['reviewed_by'], ['user_account.id'], name=op.f('fk_lottery_plan_reviewed_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lottery_plan')),
    sa.UniqueConstraint('fund_source_id', 'fiscal_year', 'revision', name=op.f('uq_lottery_plan_fund_source_id_fiscal_year_revision'))
    )
    op.create_index(op.f('ix_lottery_plan_agency_id_id'), 'lottery_plan', ['agency_id', 'id'], unique=False)
    op.create_index('uq_lottery_plan_in_force', 'lottery_plan', ['fund_source_id', 'fiscal_year'], unique=True, sqlite_where=sa.text("state = 'approved'"), postgresql_where=sa.text("state = 'approved'"))
    op.create_table('lottery_year',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('fund_source_id', sa.BigInteger(), nullable=False),
    sa.Column('fiscal_year', sa.Integer(), nullable=False),
    sa.Column('opening', sa.BigInteger(), nullable=True),
    sa.Column('raised', sa.BigInteger(), nullable=True),
    sa.Column('closing', sa.BigInteger(), nullable=True),
    sa.Column('basis', sa.String(length=200), nullable=False),
    sa.Column('entered_by', sa.BigInteger(), nullable=False),
    sa.Column('entered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('opening >= 0 AND raised >= 0 AND closing >= 0', name=op.f('ck_lottery_year_not_negative')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_lottery_year_agency_id')),
    sa.ForeignKeyConstraint(['entered_by'], ['user_account.id'], name=op.f('fk_lottery_year_entered_by')),
    sa.ForeignKeyConstraint(['fund_source_id'], ['fund_source.id'], name=op.f('fk_lottery_year_fund_source_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lottery_year')),
    sa.UniqueConstraint('fund_source_id', 'fiscal_year', name=op.f('uq_lottery_year_fund_source_id_fiscal_year'))
    )
    op.create_index(op.f('ix_lottery_year_agency_id_fiscal_year_id'), 'lottery_year', ['agency_id', 'fiscal_year', 'id'], unique=False)
    op.create_table('lottery_plan_line',
    sa.Column('plan_id', sa.BigInteger(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('purpose', sa.String(length=32), nullable=False),
    sa.Column('category', sa.String(length=16), nullable=False),
    sa.Column('title', sa.String(length=160), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('staff_of', sa.String(length=16), nullable=False),
    sa.Column('staff_amount', sa.BigInteger(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('amount > 0', name=op.f('ck_lottery_plan_line_amount_positive')),
    sa.CheckConstraint('staff_amount >= 0 AND staff_amount <= amount', name=op.f('ck_lottery_plan_line_staff_within_amount')),
    sa.ForeignKeyConstraint(['plan_id'], ['lottery_plan.id'], name=op.f('fk_lottery_plan_line_plan_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lottery_plan_line')),
    sa.UniqueConstraint('plan_id', 'position', name=op.f('uq_lottery_plan_line_plan_id_position'))
    )
    op.create_table('lottery_notice_row',
    sa.Column('notice_id', sa.BigInteger(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('fund_tier', sa.String(length=60), nullable=False),
    sa.Column('category', sa.String(length=60), nullable=False),
    sa.Column('item', sa.String(length=500), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('amount_text', sa.String(length=24), nullable=False),
    sa.Column('project_count', sa.Integer(), nullable=True),
    sa.Column('stated_percent', sa.String(length=24), nullable=False),
    sa.Column('is_subtotal', sa.Boolean(), nullable=False),
    sa.Column('is_partial', sa.Boolean(), nullable=False),
    sa.Column('source_kind', sa.String(length=60), nullable=False),
    sa.Column('source_url', sa.String(length=500), nullable=False),
    sa.Column('remark', sa.Text(), nullable=False),
    sa.Column('commitment_id', sa.BigInteger(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['commitment_id'], ['commitment.id'], name=op.f('fk_lottery_notice_row_commitment_id')),
    sa.ForeignKeyConstraint(['notice_id'], ['lottery_notice.id'], name=op.f('fk_lottery_notice_row_notice_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lottery_notice_row')),
    sa.UniqueConstraint('notice_id', 'position', name=op.f('uq_lottery_notice_row_notice_id_position'))
    )
    op.create_table('project_disclosure',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('commitment_id', sa.BigInteger(), nullable=False),
    sa.Column('fiscal_year', sa.Integer(), nullable=False),
    sa.Column('content', sa.Text(), nullable=False),
    sa.Column('leader', sa.String(length=60), nullable=False),
    sa.Column('phone', sa.String(length=40), nullable=False),
    sa.Column('progress', sa.Text(), nullable=False),
    sa.Column('effect', sa.Text(), nullable=False),
    sa.Column('targets', sa.Text(), nullable=False),
    sa.Column('problems', sa.Text(), nullable=False),
    sa.Column('written_by', sa.BigInteger(), nullable=False),
    sa.Column('written_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_project_disclosure_agency_id')),
    sa.ForeignKeyConstraint(['commitment_id'], ['commitment.id'], name=op.f('fk_project_disclosure_commitment_id')),
    sa.ForeignKeyConstraint(['written_by'], ['user_account.id'], name=op.f('fk_project_disclosure_written_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_project_disclosure')),
    sa.UniqueConstraint('commitment_id', 'fiscal_year', name=op.f('uq_project_disclosure_commitment_id_fiscal_year'))
    )
    op.create_index(op.f('ix_project_disclosure_agency_id_fiscal_year_id'), 'project_disclosure', ['agency_id', 'fiscal_year', 'id'], unique=False)


def downgrade():
    op.drop_table("project_disclosure")
    op.drop_table("lottery_notice_row")
    op.drop_table("lottery_plan_line")
    op.drop_table("lottery_year")
    op.drop_table("lottery_plan")
    op.drop_table("lottery_notice")
    op.drop_table("fund_alert")
    op.drop_column("earmark", "reason")
