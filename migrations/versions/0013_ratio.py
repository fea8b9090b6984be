"""the kept ratio on every basis, imports of a unit, headings that are remembered, links that were dismissed

Revision ID: 0013
Revises: 0012
Create Date: 2026-11-24

"""
from alembic import op
import sqlalchemy as sa


revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
KNOWN_BASIS = "basis IN ('contract', 'budget', 'payment')"


def upgrade():
    # Only sums of the purchases lie in these two; they are made anew in their new shape.
    op.drop_table('service_year')
    op.drop_table('level_figure')
    op.create_table('service_year',
    sa.Column('basis', sa.String(length=10), nullable=False),
    sa.Column('venture', sa.Boolean(), nullable=False),
    sa.Column('division_code', sa.String(length=12), nullable=False),
    sa.Column('fiscal_year', sa.Integer(), nullable=False),
    sa.Column('purchaser', sa.String(length=120), nullable=False),
    sa.Column('key', sa.String(length=170), nullable=False),
    sa.Column('name', sa.String(length=160), nullable=False),
    sa.Column('apart', sa.Boolean(), nullable=False),
    sa.Column('joined', sa.Boolean(), nullable=False),
    sa.Column('row_count', sa.BigInteger(), nullable=False),
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
    sa.Column('sources', sa.Text(), nullable=False),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint(KNOWN_BASIS, name=op.f('ck_service_year_known_basis')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_service_year')),
    sa.UniqueConstraint('division_code', 'purchaser', 'key', 'fiscal_year', 'basis', 'venture', name='uq_service_year_service')
    )
    op.create_index('ix_service_year_level', 'service_year', ['division_code', 'fiscal_year', 'basis', 'venture', 'apart', 'added_fen', 'id'], unique=False)
    op.create_index('ix_service_year_order', 'service_year', ['fiscal_year', 'basis', 'venture', 'apart', 'added_fen', 'id'], unique=False)
    op.create_index('ix_service_year_rounded', 'service_year', ['fiscal_year', 'rounded', 'division_code'], unique=False)
    op.create_table('level_figure',
    sa.Column('basis', sa.String(length=10), nullable=False),
    sa.Column('venture', sa.Boolean(), nullable=False),
    sa.Column('division_code', sa.String(length=12), nullable=False),
    sa.Column('fiscal_year', sa.Integer(), nullable=False),
    sa.Column('rules_digest', sa.String(length=64), nullable=False),
    sa.Column('services', sa.BigInteger(), nullable=False),
    sa.Column('row_count', sa.BigInteger(), nullable=False),
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
    sa.Column('sources', sa.Text(), nullable=False),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint(KNOWN_BASIS, name=op.f('ck_level_figure_known_basis')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_level_figure')),
    sa.UniqueConstraint('division_code', 'fiscal_year', 'basis', 'venture', name='uq_level_figure_level')
    )
    op.create_table('purchase_heading',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('heading', sa.String(length=80), nullable=False),
    sa.Column('column_name', sa.String(length=32), nullable=False),
    sa.Column('id', BIG, nullable=False),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_purchase_heading_agency_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_purchase_heading')),
    sa.UniqueConstraint('agency_id', 'heading', name=op.f('uq_purchase_heading_agency_id_heading'))
    )
    op.create_table('continuation_dismissal',
    sa.Column('earlier_division', sa.String(length=12), nullable=False),
    sa.Column('earlier_purchaser', sa.String(length=120), nullable=False),
    sa.Column('earlier_key', sa.String(length=170), nullable=False),
    sa.Column('later_division', sa.String(length=12), nullable=False),
    sa.Column('later_purchaser', sa.String(length=120), nullable=False),
    sa.Column('later_key', sa.String(length=170), nullable=False),
    sa.Column('fiscal_year', sa.Integer(), nullable=False),
    sa.Column('dismissed_by', sa.BigInteger(), nullable=True),
    sa.Column('id', BIG, nullable=False),
    sa.ForeignKeyConstraint(['dismissed_by'], ['user_account.id'], name=op.f('fk_continuation_dismissal_dismissed_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_continuation_dismissal')),
    sa.UniqueConstraint('fiscal_year', 'later_division', 'later_purchaser', 'later_key', 'earlier_division', 'earlier_purchaser', 'earlier_key', name='uq_continuation_dismissal_pair')
    )
    op.create_index('ix_purchase_service', 'purchase', ['purchaser', 'service_key', 'service_name'], unique=False)
    op.execute(
        "ALTER TABLE purchase_import ADD COLUMN agency_id BIGINT "
        "CONSTRAINT fk_purchase_import_agency_id REFERENCES agency (id)"
    )
    op.create_index(op.f('ix_purchase_import_agency_id'), 'purchase_import', ['agency_id'], unique=False)
    op.execute(
        "ALTER TABLE purchase_import ADD COLUMN checked_file_id BIGINT "
        "CONSTRAINT fk_purchase_import_checked_file_id REFERENCES stored_file (id)"
    )


def downgrade():
    op.execute("ALTER TABLE purchase_import DROP COLUMN checked_file_id")
    op.drop_index(op.f('ix_purchase_import_agency_id'), table_name='purchase_import')
    op.execute("ALTER TABLE purchase_import DROP COLUMN agency_id")
    op.drop_index('ix_purchase_service', table_name='purchase')
    for table in ('continuation_dismissal', 'purchase_heading', 'level_figure', 'service_year'):
        op.drop_table(table)
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
