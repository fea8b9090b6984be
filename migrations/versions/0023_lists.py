"""persons by name and telephone, filed organizations of a list by name; the paper of a reported change

Revision ID: 0023
Revises: 0022
Create Date: 2026-11-24

"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

FILED = sa.text("credit_code IS NULL")


def upgrade():
    op.create_index("ix_person_name_phone", "person", ["name", "phone"])
    op.drop_index("ix_person_name", table_name="person")
    op.create_index(
        "ix_import_row_import_id_agency_id_name",
        "import_row",
        ["import_id", "agency_id", "name"],
        sqlite_where=FILED,
        postgresql_where=FILED,
    )
    op.execute(
        "ALTER TABLE update_request ADD COLUMN evidence_file_id BIGINT "
        "CONSTRAINT fk_update_request_evidence_file_id REFERENCES stored_file (id)"
    )


def downgrade():
    op.execute("ALTER TABLE update_request DROP COLUMN evidence_file_id")
    op.drop_index("ix_import_row_import_id_agency_id_name", table_name="import_row")
    op.create_index("ix_person_name", "person", ["name"])
    op.drop_index("ix_person_name_phone", table_name="person")
