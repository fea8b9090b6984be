"""limits, delegation, batches, receipts, hosting

Revision ID: 0008
Revises: 0007
Create Date: 2026-11-22

"""
import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# A column with its reference and its checks in one statement: making these tables anew would drop
# what others refer to.
COLUMNS = (
    ("user_account", "factor_sealed", "VARCHAR(300)"),
    ("user_account", "factor_since", "@instant"),
    ("user_account", "factor_step", "BIGINT NOT NULL DEFAULT 0"),
    (
        "role_assignment",
        "delegated_by",
        "BIGINT CONSTRAINT fk_role_assignment_delegated_by REFERENCES user_account (id)"
        " CONSTRAINT ck_role_assignment_lent_to_another CHECK (delegated_by IS NULL OR delegated_by <> user_id)",
    ),
    ("payee_account", "confirmed_at", "@instant"),
    (
        "disbursement",
        "second_approved_by",
        "BIGINT CONSTRAINT fk_disbursement_second_approved_by REFERENCES user_account (id)"
        " CONSTRAINT ck_disbursement_second_approver_differs CHECK (second_approved_by IS NULL OR"
        " (second_approved_by <> requested_by AND second_approved_by <> reviewed_by"
        " AND second_approved_by <> approved_by))",
    ),
    ("disbursement", "in_place_of", "JSON"),
    (
        "disbursement",
        "released_at",
        "@instant CONSTRAINT ck_disbursement_releaser_differs CHECK (released_by IS NULL OR"
        " (released_by <> requested_by AND released_by <> reviewed_by AND released_by <> approved_by"
        " AND (second_approved_by IS NULL OR released_by <> second_approved_by)))",
    ),
    (
        "disbursement",
        "reissues_id",
        "BIGINT CONSTRAINT fk_disbursement_reissues_id REFERENCES disbursement (id)",
    ),
    ("disbursement", "stuck_noted_on", "DATE"),
)


def upgrade():
    instant = "DATETIME" if op.get_bind().dialect.name == "sqlite" else "TIMESTAMP WITH TIME ZONE"
    for table, column, told in COLUMNS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {told.replace('@instant', instant)}")
    op.create_index("ix_role_assignment_delegated_by", "role_assignment", ["delegated_by"])
    op.create_index("uq_disbursement_reissues_id", "disbursement", ["reissues_id"], unique=True)

    op.create_table('layout_column',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('heading', sa.String(length=40), nullable=False),
    sa.Column('field', sa.String(length=24), nullable=False),
    sa.Column('fixed', sa.String(length=60), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_layout_column_agency_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_layout_column')),
    sa.UniqueConstraint('agency_id', 'position', name=op.f('uq_layout_column_agency_id_position'))
    )
    op.create_table('payment_batch',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('number', sa.String(length=60), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('total', sa.BigInteger(), nullable=False),
    sa.Column('made_by', sa.BigInteger(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('exported_by', sa.BigInteger(), nullable=True),
    sa.Column('exported_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('count > 0 AND total > 0', name=op.f('ck_payment_batch_not_empty')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_payment_batch_agency_id')),
    sa.ForeignKeyConstraint(['exported_by'], ['user_account.id'], name=op.f('fk_payment_batch_exported_by')),
    sa.ForeignKeyConstraint(['made_by'], ['user_account.id'], name=op.f('fk_payment_batch_made_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payment_batch')),
    sa.UniqueConstraint('number', name=op.f('uq_payment_batch_number'))
    )
    with op.batch_alter_table('payment_batch', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_payment_batch_agency_id_id'), ['agency_id', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_payment_batch_agency_id_state_id'), ['agency_id', 'state', 'id'], unique=False)

    op.create_table('payment_limit',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('user_id', sa.BigInteger(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('set_by', sa.BigInteger(), nullable=False),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('confirmed_by', sa.BigInteger(), nullable=True),
    sa.Column('ended_on', sa.Date(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('amount >= 0', name=op.f('ck_payment_limit_amount_not_negative')),
    sa.CheckConstraint('confirmed_by IS NULL OR confirmed_by <> set_by', name=op.f('ck_payment_limit_two_people')),
    sa.CheckConstraint('user_id <> set_by AND (confirmed_by IS NULL OR user_id <> confirmed_by)', name=op.f('ck_payment_limit_not_own')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_payment_limit_agency_id')),
    sa.ForeignKeyConstraint(['confirmed_by'], ['user_account.id'], name=op.f('fk_payment_limit_confirmed_by')),
    sa.ForeignKeyConstraint(['set_by'], ['user_account.id'], name=op.f('fk_payment_limit_set_by')),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_payment_limit_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payment_limit'))
    )
    with op.batch_alter_table('payment_limit', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_payment_limit_agency_id_user_id_id'), ['agency_id', 'user_id', 'id'], unique=False)

    op.create_table('receipt_file',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('read_by', sa.BigInteger(), nullable=False),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('applied_by', sa.BigInteger(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_receipt_file_agency_id')),
    sa.ForeignKeyConstraint(['applied_by'], ['user_account.id'], name=op.f('fk_receipt_file_applied_by')),
    sa.ForeignKeyConstraint(['read_by'], ['user_account.id'], name=op.f('fk_receipt_file_read_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_receipt_file'))
    )
    with op.batch_alter_table('receipt_file', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_receipt_file_agency_id_id'), ['agency_id', 'id'], unique=False)
        batch_op.create_index('uq_receipt_file_living', ['agency_id', 'sha256'], unique=True, sqlite_where=sa.text("state <> 'discarded'"), postgresql_where=sa.text("state <> 'discarded'"))

    op.create_table('batch_file',
    sa.Column('batch_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(length=4), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('sealed', sa.Text(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint("kind IN ('csv', 'xlsx')", name=op.f('ck_batch_file_known_kind')),
    sa.ForeignKeyConstraint(['batch_id'], ['payment_batch.id'], name=op.f('fk_batch_file_batch_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_batch_file')),
    sa.UniqueConstraint('batch_id', 'kind', name=op.f('uq_batch_file_batch_id_kind'))
    )
    op.create_table('hosting',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('host_id', sa.BigInteger(), nullable=False),
    sa.Column('hosted_id', sa.BigInteger(), nullable=False),
    sa.Column('number', sa.String(length=60), nullable=False),
    sa.Column('fee_points', sa.Integer(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.Column('state', sa.String(length=24), nullable=False),
    sa.Column('drafted_by', sa.BigInteger(), nullable=False),
    sa.Column('hosted_signed_by', sa.BigInteger(), nullable=True),
    sa.Column('host_signed_by', sa.BigInteger(), nullable=True),
    sa.Column('funder_signed_by', sa.BigInteger(), nullable=True),
    sa.Column('end_reason', sa.Text(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('(hosted_signed_by IS NULL OR host_signed_by IS NULL OR hosted_signed_by <> host_signed_by) AND (funder_signed_by IS NULL OR (funder_signed_by <> hosted_signed_by AND funder_signed_by <> host_signed_by AND funder_signed_by <> drafted_by))', name=op.f('ck_hosting_three_signers')),
    sa.CheckConstraint('ends_on >= starts_on', name=op.f('ck_hosting_dates_order')),
    sa.CheckConstraint('fee_points >= 0 AND fee_points <= 10000', name=op.f('ck_hosting_fee_is_a_share')),
    sa.CheckConstraint('host_id <> hosted_id', name=op.f('ck_hosting_two_bodies')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_hosting_agency_id')),
    sa.ForeignKeyConstraint(['drafted_by'], ['user_account.id'], name=op.f('fk_hosting_drafted_by')),
    sa.ForeignKeyConstraint(['funder_signed_by'], ['user_account.id'], name=op.f('fk_hosting_funder_signed_by')),
    sa.ForeignKeyConstraint(['host_id'], ['organization.id'], name=op.f('fk_hosting_host_id')),
    sa.ForeignKeyConstraint(['host_signed_by'], ['user_account.id'], name=op.f('fk_hosting_host_signed_by')),
    sa.ForeignKeyConstraint(['hosted_id'], ['organization.id'], name=op.f('fk_hosting_hosted_id')),
    sa.ForeignKeyConstraint(['hosted_signed_by'], ['user_account.id'], name=op.f('fk_hosting_hosted_signed_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hosting')),
    sa.UniqueConstraint('number', name=op.f('uq_hosting_number'))
    )
    with op.batch_alter_table('hosting', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_hosting_agency_id_id'), ['agency_id', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_hosting_host_id'), ['host_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_hosting_hosted_id'), ['hosted_id'], unique=False)

    op.create_table('host_report',
    sa.Column('hosting_id', sa.BigInteger(), nullable=False),
    sa.Column('month', sa.Date(), nullable=False),
    sa.Column('figures', sa.JSON(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('sent_by', sa.BigInteger(), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['hosting_id'], ['hosting.id'], name=op.f('fk_host_report_hosting_id')),
    sa.ForeignKeyConstraint(['sent_by'], ['user_account.id'], name=op.f('fk_host_report_sent_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_host_report')),
    sa.UniqueConstraint('hosting_id', 'month', name=op.f('uq_host_report_hosting_id_month'))
    )
    op.create_table('hosted_project',
    sa.Column('hosting_id', sa.BigInteger(), nullable=False),
    sa.Column('commitment_id', sa.BigInteger(), nullable=False),
    sa.Column('added_by', sa.BigInteger(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['added_by'], ['user_account.id'], name=op.f('fk_hosted_project_added_by')),
    sa.ForeignKeyConstraint(['commitment_id'], ['commitment.id'], name=op.f('fk_hosted_project_commitment_id')),
    sa.ForeignKeyConstraint(['hosting_id'], ['hosting.id'], name=op.f('fk_hosted_project_hosting_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hosted_project')),
    sa.UniqueConstraint('commitment_id', name=op.f('uq_hosted_project_commitment_id'))
    )
    with op.batch_alter_table('hosted_project', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_hosted_project_hosting_id'), ['hosting_id'], unique=False)

    op.create_table('hosted_outflow',
    sa.Column('project_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('purpose', sa.String(length=200), nullable=False),
    sa.Column('payee', sa.String(length=120), nullable=False),
    sa.Column('voucher_number', sa.String(length=60), nullable=False),
    sa.Column('state', sa.String(length=24), nullable=False),
    sa.Column('requested_by', sa.BigInteger(), nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('hosted_signed_by', sa.BigInteger(), nullable=True),
    sa.Column('host_signed_by', sa.BigInteger(), nullable=True),
    sa.Column('happened_on', sa.Date(), nullable=True),
    sa.Column('refusal', sa.String(length=200), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint("kind IN ('spent', 'fee', 'returned')", name=op.f('ck_hosted_outflow_known_kind')),
    sa.CheckConstraint("state <> 'signed' OR (hosted_signed_by IS NOT NULL AND host_signed_by IS NOT NULL)", name=op.f('ck_hosted_outflow_signed_by_both')),
    sa.CheckConstraint('amount > 0', name=op.f('ck_hosted_outflow_amount_positive')),
    sa.CheckConstraint('hosted_signed_by IS NULL OR host_signed_by IS NULL OR hosted_signed_by <> host_signed_by', name=op.f('ck_hosted_outflow_two_signers')),
    sa.ForeignKeyConstraint(['host_signed_by'], ['user_account.id'], name=op.f('fk_hosted_outflow_host_signed_by')),
    sa.ForeignKeyConstraint(['hosted_signed_by'], ['user_account.id'], name=op.f('fk_hosted_outflow_hosted_signed_by')),
    sa.ForeignKeyConstraint(['project_id'], ['hosted_project.id'], name=op.f('fk_hosted_outflow_project_id')),
    sa.ForeignKeyConstraint(['requested_by'], ['user_account.id'], name=op.f('fk_hosted_outflow_requested_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hosted_outflow'))
    )
    with op.batch_alter_table('hosted_outflow', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_hosted_outflow_project_id_id'), ['project_id', 'id'], unique=False)

    op.create_table('batch_item',
    sa.Column('batch_id', sa.BigInteger(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('disbursement_id', sa.BigInteger(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('dropped_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['batch_id'], ['payment_batch.id'], name=op.f('fk_batch_item_batch_id')),
    sa.ForeignKeyConstraint(['disbursement_id'], ['disbursement.id'], name=op.f('fk_batch_item_disbursement_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_batch_item')),
    sa.UniqueConstraint('batch_id', 'position', name=op.f('uq_batch_item_batch_id_position'))
    )
    with op.batch_alter_table('batch_item', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_batch_item_batch_id'), ['batch_id'], unique=False)
        batch_op.create_index('uq_batch_item_disbursement_living', ['disbursement_id'], unique=True, sqlite_where=sa.text('dropped_at IS NULL'), postgresql_where=sa.text('dropped_at IS NULL'))

    op.create_table('hosted_receipt',
    sa.Column('project_id', sa.BigInteger(), nullable=False),
    sa.Column('disbursement_id', sa.BigInteger(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('taken_on', sa.Date(), nullable=False),
    sa.Column('taken_by', sa.BigInteger(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('amount > 0', name=op.f('ck_hosted_receipt_amount_positive')),
    sa.ForeignKeyConstraint(['disbursement_id'], ['disbursement.id'], name=op.f('fk_hosted_receipt_disbursement_id')),
    sa.ForeignKeyConstraint(['project_id'], ['hosted_project.id'], name=op.f('fk_hosted_receipt_project_id')),
    sa.ForeignKeyConstraint(['taken_by'], ['user_account.id'], name=op.f('fk_hosted_receipt_taken_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hosted_receipt')),
    sa.UniqueConstraint('disbursement_id', name=op.f('uq_hosted_receipt_disbursement_id'))
    )
    with op.batch_alter_table('hosted_receipt', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_hosted_receipt_project_id'), ['project_id'], unique=False)

    op.create_table('receipt_line',
    sa.Column('file_id', sa.BigInteger(), nullable=False),
    sa.Column('row_number', sa.Integer(), nullable=False),
    sa.Column('reference', sa.String(length=60), nullable=False),
    sa.Column('disbursement_id', sa.BigInteger(), nullable=True),
    sa.Column('result', sa.String(length=16), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('account_name', sa.String(length=120), nullable=False),
    sa.Column('last_four', sa.String(length=4), nullable=False),
    sa.Column('happened_on', sa.Date(), nullable=False),
    sa.Column('voucher_number', sa.String(length=60), nullable=False),
    sa.Column('reason', sa.String(length=200), nullable=False),
    sa.Column('verdict', sa.String(length=16), nullable=False),
    sa.Column('differences', sa.JSON(), nullable=False),
    sa.Column('applied', sa.Boolean(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint("NOT applied OR verdict = 'matched'", name=op.f('ck_receipt_line_only_matched_applied')),
    sa.CheckConstraint("verdict IN ('matched', 'different', 'not_compared')", name=op.f('ck_receipt_line_known_verdict')),
    sa.ForeignKeyConstraint(['disbursement_id'], ['disbursement.id'], name=op.f('fk_receipt_line_disbursement_id')),
    sa.ForeignKeyConstraint(['file_id'], ['receipt_file.id'], name=op.f('fk_receipt_line_file_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_receipt_line')),
    sa.UniqueConstraint('file_id', 'row_number', name=op.f('uq_receipt_line_file_id_row_number'))
    )
    with op.batch_alter_table('receipt_line', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_receipt_line_disbursement_id'), ['disbursement_id'], unique=False)

    op.create_table('recovery',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('commitment_id', sa.BigInteger(), nullable=False),
    sa.Column('disbursement_id', sa.BigInteger(), nullable=True),
    sa.Column('number', sa.String(length=60), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('recovered', sa.BigInteger(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('state', sa.String(length=32), nullable=False),
    sa.Column('proposed_by', sa.BigInteger(), nullable=False),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reviewed_by', sa.BigInteger(), nullable=True),
    sa.Column('ordered_by', sa.BigInteger(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('amount > 0', name=op.f('ck_recovery_amount_positive')),
    sa.CheckConstraint('ordered_by IS NULL OR (ordered_by <> proposed_by AND ordered_by <> reviewed_by)', name=op.f('ck_recovery_orderer_differs')),
    sa.CheckConstraint('recovered >= 0 AND recovered <= amount', name=op.f('ck_recovery_within_the_case')),
    sa.CheckConstraint('reviewed_by IS NULL OR reviewed_by <> proposed_by', name=op.f('ck_recovery_reviewer_differs')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_recovery_agency_id')),
    sa.ForeignKeyConstraint(['commitment_id'], ['commitment.id'], name=op.f('fk_recovery_commitment_id')),
    sa.ForeignKeyConstraint(['disbursement_id'], ['disbursement.id'], name=op.f('fk_recovery_disbursement_id')),
    sa.ForeignKeyConstraint(['ordered_by'], ['user_account.id'], name=op.f('fk_recovery_ordered_by')),
    sa.ForeignKeyConstraint(['proposed_by'], ['user_account.id'], name=op.f('fk_recovery_proposed_by')),
    sa.ForeignKeyConstraint(['reviewed_by'], ['user_account.id'], name=op.f('fk_recovery_reviewed_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recovery')),
    sa.UniqueConstraint('number', name=op.f('uq_recovery_number'))
    )
    with op.batch_alter_table('recovery', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_recovery_agency_id_due_on_id'), ['agency_id', 'due_on', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_recovery_agency_id_id'), ['agency_id', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_recovery_agency_id_state_id'), ['agency_id', 'state', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_recovery_commitment_id'), ['commitment_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_recovery_disbursement_id'), ['disbursement_id'], unique=False)

    op.create_table('recovery_part',
    sa.Column('recovery_id', sa.BigInteger(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('received_on', sa.Date(), nullable=False),
    sa.Column('voucher_number', sa.String(length=60), nullable=False),
    sa.Column('tranche_id', sa.BigInteger(), nullable=True),
    sa.Column('booked_by', sa.BigInteger(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint("(tranche_id IS NULL) = (voucher_number <> '')", name=op.f('ck_recovery_part_voucher_or_tranche')),
    sa.CheckConstraint('amount > 0', name=op.f('ck_recovery_part_amount_positive')),
    sa.ForeignKeyConstraint(['booked_by'], ['user_account.id'], name=op.f('fk_recovery_part_booked_by')),
    sa.ForeignKeyConstraint(['recovery_id'], ['recovery.id'], name=op.f('fk_recovery_part_recovery_id')),
    sa.ForeignKeyConstraint(['tranche_id'], ['tranche.id'], name=op.f('fk_recovery_part_tranche_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recovery_part'))
    )
    with op.batch_alter_table('recovery_part', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_recovery_part_recovery_id'), ['recovery_id'], unique=False)

    op.create_table('termination',
    sa.Column('project_id', sa.BigInteger(), nullable=False),
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('organization_id', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.String(length=24), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('accepted_cost', sa.BigInteger(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('proposed_by', sa.BigInteger(), nullable=False),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('legal_reviewed_by', sa.BigInteger(), nullable=True),
    sa.Column('money_reviewed_by', sa.BigInteger(), nullable=True),
    sa.Column('decided_by', sa.BigInteger(), nullable=True),
    sa.Column('recovery_id', sa.BigInteger(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('accepted_cost >= 0', name=op.f('ck_termination_cost_not_negative')),
    sa.CheckConstraint('decided_by IS NULL OR (decided_by <> proposed_by AND decided_by <> legal_reviewed_by AND decided_by <> money_reviewed_by)', name=op.f('ck_termination_decider_differs')),
    sa.CheckConstraint('legal_reviewed_by IS NULL OR legal_reviewed_by <> proposed_by', name=op.f('ck_termination_legal_differs')),
    sa.CheckConstraint('money_reviewed_by IS NULL OR (money_reviewed_by <> proposed_by AND money_reviewed_by <> legal_reviewed_by)', name=op.f('ck_termination_finance_differs')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_termination_agency_id')),
    sa.ForeignKeyConstraint(['decided_by'], ['user_account.id'], name=op.f('fk_termination_decided_by')),
    sa.ForeignKeyConstraint(['legal_reviewed_by'], ['user_account.id'], name=op.f('fk_termination_legal_reviewed_by')),
    sa.ForeignKeyConstraint(['money_reviewed_by'], ['user_account.id'], name=op.f('fk_termination_money_reviewed_by')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_termination_organization_id')),
    sa.ForeignKeyConstraint(['project_id'], ['project.id'], name=op.f('fk_termination_project_id')),
    sa.ForeignKeyConstraint(['proposed_by'], ['user_account.id'], name=op.f('fk_termination_proposed_by')),
    sa.ForeignKeyConstraint(['recovery_id'], ['recovery.id'], name=op.f('fk_termination_recovery_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_termination'))
    )
    with op.batch_alter_table('termination', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_termination_agency_id_state_id'), ['agency_id', 'state', 'id'], unique=False)
        batch_op.create_index('uq_termination_living', ['project_id'], unique=True, sqlite_where=sa.text("state <> 'dropped'"), postgresql_where=sa.text("state <> 'dropped'"))


def downgrade():
    op.drop_table('termination')
    op.drop_table('recovery_part')
    op.drop_table('recovery')
    op.drop_table('receipt_line')
    op.drop_table('hosted_receipt')
    op.drop_table('batch_item')
    op.drop_table('hosted_outflow')
    op.drop_table('hosted_project')
    op.drop_table('host_report')
    op.drop_table('hosting')
    op.drop_table('batch_file')
    op.drop_table('receipt_file')
    op.drop_table('payment_limit')
    op.drop_table('payment_batch')
    op.drop_table('layout_column')
    op.drop_index("uq_disbursement_reissues_id", table_name="disbursement")
    op.drop_index("ix_role_assignment_delegated_by", table_name="role_assignment")
    for table, column, _told in reversed(COLUMNS):
        op.drop_column(table, column)
