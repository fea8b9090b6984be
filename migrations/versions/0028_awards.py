"""awards that were taken back; points for awards in the score, the decision and the notice

Revision ID: 0028
Revises: 0026
Create Date: 2026-11-24

"""

from alembic import op

revision = "0028"
down_revision = "0026"
branch_labels = None
depends_on = None

COLUMNS = (
    ("honour", "revoked_on", "DATE"),
    (
        "honour",
        "revocation",
        "VARCHAR(200) DEFAULT '' NOT NULL CONSTRAINT ck_honour_revocation_order"
        " CHECK (revoked_on IS NULL OR (revoked_on >= given_on AND revocation <> ''))",
    ),
    ("honour", "revoked_by", "BIGINT CONSTRAINT fk_honour_revoked_by REFERENCES user_account (id)"),
    ("application", "award_bonus", "INTEGER DEFAULT 0 NOT NULL"),
    (
        "decision_item",
        "award_bonus",
        "INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_decision_item_bonus_not_negative CHECK (award_bonus >= 0)",
    ),
    ("decision_item", "awards", "JSON DEFAULT '[]' NOT NULL"),
    ("notice_item", "award_bonus", "INTEGER DEFAULT 0 NOT NULL"),
)


def upgrade():
    for table, column, told in COLUMNS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {told}")
    op.create_index("ix_honour_revoked_by", "honour", ["revoked_by"])


def downgrade():
    op.drop_index("ix_honour_revoked_by", table_name="honour")
    # Backwards: the column that carries a check on another goes before it.
    for table, column, _told in reversed(COLUMNS):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
