"""jobs with progress, mail outbox, quarantine of files, saved views, e-mail of persons

Revision ID: 0002
Revises: 0001
Create Date: 2026-11-21

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

# Each order and each filter that a list offers has its index, led by the owner scope.
LISTS = (
    ('application', 'agency_id', 'state', 'id'),
    ('application', 'agency_id', 'category', 'id'),
    ('application', 'agency_id', 'requested', 'id'),
    ('agreement', 'agency_id', 'amount', 'id'),
    ('agreement', 'agency_id', 'ends_on', 'id'),
    ('claim', 'agency_id', 'amount', 'id'),
    ('call', 'agency_id', 'deadline_at', 'id'),
    ('disbursement', 'agency_id', 'amount', 'id'),
    ('checkpoint', 'agency_id', 'due_on', 'id'),
    ('transfer', 'kind', 'id'),
)

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade():
    # Nothing queued jobs before this revision: the table is made anew.
    op.drop_table('job')
    op.create_table('job',
    sa.Column('kind', sa.String(length=48), nullable=False),
    sa.Column('title', sa.JSON(), nullable=False),
    sa.Column('payload', sa.JSON(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('done', sa.BigInteger(), nullable=False),
    sa.Column('total', sa.BigInteger(), nullable=False),
    sa.Column('cancel_wanted', sa.Boolean(), nullable=False),
    sa.Column('error', sa.Text(), nullable=False),
    sa.Column('result_id', sa.BigInteger(), nullable=True),
    sa.Column('queued_by', sa.BigInteger(), nullable=True),
    sa.Column('queued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('touched_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name=op.f('ck_job_known_state')),
    sa.CheckConstraint('done >= 0 AND total >= 0 AND attempts >= 0', name=op.f('ck_job_counts_not_negative')),
    sa.ForeignKeyConstraint(['result_id'], ['stored_file.id'], name=op.f('fk_job_result_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_job'))
    )
    op.create_index(op.f('ix_job_state_id'), 'job', ['state', 'id'], unique=False)
    op.create_index(op.f('ix_job_queued_by_id'), 'job', ['queued_by', 'id'], unique=False)
    op.create_table('mail',
    sa.Column('address', sa.String(length=120), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('locale', sa.String(length=8), nullable=False),
    sa.Column('template', sa.String(length=48), nullable=False),
    sa.Column('params', sa.JSON(), nullable=False),
    sa.Column('subject', sa.String(length=200), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('error', sa.Text(), nullable=False),
    sa.Column('agency_id', sa.BigInteger(), nullable=True),
    sa.Column('queued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint("state IN ('queued', 'sent', 'kept', 'failed')", name=op.f('ck_mail_known_state')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mail'))
    )
    op.create_index(op.f('ix_mail_state_due_at'), 'mail', ['state', 'due_at'], unique=False)
    op.create_index(op.f('ix_mail_agency_id_id'), 'mail', ['agency_id', 'id'], unique=False)
    op.create_table('saved_view',
    sa.Column('user_id', sa.BigInteger(), nullable=False),
    sa.Column('listing', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('query', sa.String(length=500), nullable=False),
    sa.Column('id', BIG, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_saved_view')),
    sa.UniqueConstraint('user_id', 'listing', 'name', name=op.f('uq_saved_view_user_id_listing_name'))
    )
    # Added as columns: making the table anew on SQLite would lose its other checks.
    op.execute(
        "ALTER TABLE stored_file ADD COLUMN state VARCHAR(16) DEFAULT 'checked' NOT NULL "
        "CONSTRAINT ck_stored_file_known_state CHECK (state IN ('uploaded', 'checked', 'blocked'))"
    )
    op.execute("ALTER TABLE stored_file ADD COLUMN verdict VARCHAR(200) DEFAULT '' NOT NULL")
    op.create_index(op.f('ix_stored_file_state_id'), 'stored_file', ['state', 'id'], unique=False)
    op.execute("ALTER TABLE person ADD COLUMN email VARCHAR(120) DEFAULT '' NOT NULL")
    for table, *columns in LISTS:
        op.create_index(op.f('_'.join(['ix', table, *columns])), table, columns, unique=False)


def downgrade():
    raise NotImplementedError("restore the backup made before the upgrade")
