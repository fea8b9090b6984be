"""terms of units, custody, liaison; identity numbers, kinship; experts; the workforce

Revision ID: 0017
Revises: 0016
Create Date: 2026-11-24

"""
import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# A column with its reference and its checks in one statement: making these tables anew would drop
# what others refer to.
COLUMNS = (
    ("agency", "valid_from", "DATE"),
    (
        "agency",
        "valid_to",
        "DATE CONSTRAINT ck_agency_validity_order CHECK (valid_to >= valid_from)",
    ),
    (
        "agency",
        "successor_id",
        "BIGINT CONSTRAINT fk_agency_successor_id REFERENCES agency (id)"
        " CONSTRAINT ck_agency_not_own_successor CHECK (successor_id <> id)"
        " CONSTRAINT ck_agency_succeeded_has_ended CHECK (successor_id IS NULL OR valid_to IS NOT NULL)",
    ),
    ("expert", "state", "VARCHAR(16) NOT NULL DEFAULT 'admitted'"),
    ("expert", "professional_title", "VARCHAR(60) NOT NULL DEFAULT ''"),
    ("expert", "regions", "JSON NOT NULL DEFAULT '[]'"),
    (
        "expert",
        "most_panels",
        "INTEGER CONSTRAINT ck_expert_most_panels_positive CHECK (most_panels > 0)",
    ),
    (
        "expert",
        "proposed_by",
        "BIGINT CONSTRAINT fk_expert_proposed_by REFERENCES user_account (id)",
    ),
    (
        "expert",
        "admitted_by",
        "BIGINT CONSTRAINT fk_expert_admitted_by REFERENCES user_account (id)"
        " CONSTRAINT ck_expert_two_people CHECK (admitted_by <> proposed_by)",
    ),
    ("expert", "admitted_on", "DATE"),
    ("expert", "valid_to", "DATE"),
    ("interest", "position", "VARCHAR(60) NOT NULL DEFAULT ''"),
    ("person", "sort_key", "VARCHAR(160) NOT NULL DEFAULT ''"),
    ("person", "sex", "VARCHAR(6) NOT NULL DEFAULT ''"),
    ("person", "born_on", "DATE"),
    ("person", "identity_sealed", "TEXT"),
    (
        "person",
        "identity_hash",
        "VARCHAR(64) CONSTRAINT ck_person_identity_is_whole"
        " CHECK ((identity_sealed IS NULL) = (identity_hash IS NULL))",
    ),
    ("person", "identity_masked", "VARCHAR(18) NOT NULL DEFAULT ''"),
    (
        "person",
        "merged_into_id",
        "BIGINT CONSTRAINT fk_person_merged_into_id REFERENCES person (id)"
        " CONSTRAINT ck_person_not_merged_into_itself CHECK (merged_into_id <> id)",
    ),
    ("person", "erased_on", "DATE"),
)


def upgrade():
    for table, column, told in COLUMNS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {told}")
    op.create_table('agency_section',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('duty', sa.String(length=200), nullable=False),
    sa.Column('phone', sa.String(length=20), nullable=False),
    sa.Column('closed_on', sa.Date(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_agency_section_agency_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_agency_section')),
    sa.UniqueConstraint('agency_id', 'name', name=op.f('uq_agency_section_agency_id_name'))
    )
    op.create_table('agency_term',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('parent_id', sa.BigInteger(), nullable=True),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('division_code', sa.String(length=12), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=True),
    sa.Column('valid_to', sa.Date(), nullable=True),
    sa.Column('basis', sa.String(length=200), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('valid_to >= valid_from', name=op.f('ck_agency_term_validity_order')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_agency_term_agency_id')),
    sa.ForeignKeyConstraint(['parent_id'], ['agency.id'], name=op.f('fk_agency_term_parent_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_agency_term'))
    )
    op.create_index(op.f('ix_agency_term_agency_id_valid_from'), 'agency_term', ['agency_id', 'valid_from'], unique=False)
    op.create_index(op.f('ix_agency_term_division_code'), 'agency_term', ['division_code'], unique=False)
    op.create_index(op.f('ix_agency_term_parent_id'), 'agency_term', ['parent_id'], unique=False)
    op.create_table('kinship',
    sa.Column('person_id', sa.BigInteger(), nullable=False),
    sa.Column('relative_id', sa.BigInteger(), nullable=False),
    sa.Column('relation', sa.String(length=16), nullable=False),
    sa.Column('until', sa.Date(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('person_id <> relative_id', name=op.f('ck_kinship_two_people')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_kinship_person_id')),
    sa.ForeignKeyConstraint(['relative_id'], ['person.id'], name=op.f('fk_kinship_relative_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_kinship')),
    sa.UniqueConstraint('person_id', 'relative_id', name=op.f('uq_kinship_person_id_relative_id'))
    )
    op.create_index(op.f('ix_kinship_relative_id'), 'kinship', ['relative_id'], unique=False)
    op.create_table('training',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('title', sa.String(length=120), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('held_on', sa.Date(), nullable=False),
    sa.Column('hours', sa.Integer(), nullable=False),
    sa.Column('place', sa.String(length=120), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('hours BETWEEN 1 AND 200', name=op.f('ck_training_hours_range')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_training_agency_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_training'))
    )
    op.create_index(op.f('ix_training_agency_id_held_on_id'), 'training', ['agency_id', 'held_on', 'id'], unique=False)
    op.create_table('liaison_notice',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('title', sa.String(length=120), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('published_by', sa.BigInteger(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_liaison_notice_agency_id')),
    sa.ForeignKeyConstraint(['published_by'], ['user_account.id'], name=op.f('fk_liaison_notice_published_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_liaison_notice'))
    )
    op.create_index(op.f('ix_liaison_notice_agency_id_id'), 'liaison_notice', ['agency_id', 'id'], unique=False)
    op.create_table('training_attendance',
    sa.Column('training_id', sa.BigInteger(), nullable=False),
    sa.Column('person_id', sa.BigInteger(), nullable=True),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_training_attendance_person_id')),
    sa.ForeignKeyConstraint(['training_id'], ['training.id'], name=op.f('fk_training_attendance_training_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_training_attendance')),
    sa.UniqueConstraint('training_id', 'person_id', name=op.f('uq_training_attendance_training_id_person_id'))
    )
    op.create_index(op.f('ix_training_attendance_person_id'), 'training_attendance', ['person_id'], unique=False)
    op.create_table('custody_transfer',
    sa.Column('organization_id', sa.BigInteger(), nullable=False),
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('to_agency_id', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('reason', sa.String(length=300), nullable=False),
    sa.Column('document', sa.String(length=120), nullable=False),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('proposed_by', sa.BigInteger(), nullable=False),
    sa.Column('decided_by', sa.BigInteger(), nullable=True),
    sa.Column('effective_on', sa.Date(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint("decided_by <> proposed_by OR state = 'withdrawn'", name=op.f('ck_custody_transfer_two_people')),
    sa.CheckConstraint("effective_on IS NULL OR state = 'accepted'", name=op.f('ck_custody_transfer_only_accepted_holds')),
    sa.CheckConstraint('agency_id <> to_agency_id', name=op.f('ck_custody_transfer_two_departments')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_custody_transfer_agency_id')),
    sa.ForeignKeyConstraint(['decided_by'], ['user_account.id'], name=op.f('fk_custody_transfer_decided_by')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_custody_transfer_organization_id')),
    sa.ForeignKeyConstraint(['proposed_by'], ['user_account.id'], name=op.f('fk_custody_transfer_proposed_by')),
    sa.ForeignKeyConstraint(['to_agency_id'], ['agency.id'], name=op.f('fk_custody_transfer_to_agency_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_custody_transfer'))
    )
    op.create_index(op.f('ix_custody_transfer_agency_id_state_id'), 'custody_transfer', ['agency_id', 'state', 'id'], unique=False)
    op.create_index(op.f('ix_custody_transfer_organization_id_id'), 'custody_transfer', ['organization_id', 'id'], unique=False)
    op.create_index(op.f('ix_custody_transfer_to_agency_id_state_id'), 'custody_transfer', ['to_agency_id', 'state', 'id'], unique=False)
    op.create_table('employment',
    sa.Column('person_id', sa.BigInteger(), nullable=False),
    sa.Column('employer', sa.String(length=120), nullable=False),
    sa.Column('organization_id', sa.BigInteger(), nullable=True),
    sa.Column('agency_id', sa.BigInteger(), nullable=True),
    sa.Column('position', sa.String(length=60), nullable=False),
    sa.Column('since', sa.Date(), nullable=False),
    sa.Column('until', sa.Date(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('organization_id IS NULL OR agency_id IS NULL', name=op.f('ck_employment_one_employer')),
    sa.CheckConstraint('until IS NULL OR until >= since', name=op.f('ck_employment_dates_order')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_employment_agency_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_employment_organization_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_employment_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_employment'))
    )
    op.create_index(op.f('ix_employment_agency_id'), 'employment', ['agency_id'], unique=False)
    op.create_index(op.f('ix_employment_employer'), 'employment', ['employer'], unique=False)
    op.create_index(op.f('ix_employment_organization_id'), 'employment', ['organization_id'], unique=False)
    op.create_index(op.f('ix_employment_person_id_since'), 'employment', ['person_id', 'since'], unique=False)
    op.create_table('liaison_officer',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('person_id', sa.BigInteger(), nullable=False),
    sa.Column('unit_id', sa.BigInteger(), nullable=True),
    sa.Column('organization_id', sa.BigInteger(), nullable=True),
    sa.Column('since', sa.Date(), nullable=False),
    sa.Column('until', sa.Date(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('(unit_id IS NULL) <> (organization_id IS NULL)', name=op.f('ck_liaison_officer_for_one_place')),
    sa.CheckConstraint('until IS NULL OR until >= since', name=op.f('ck_liaison_officer_dates_order')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_liaison_officer_agency_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_liaison_officer_organization_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_liaison_officer_person_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['agency.id'], name=op.f('fk_liaison_officer_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_liaison_officer'))
    )
    op.create_index(op.f('ix_liaison_officer_agency_id_id'), 'liaison_officer', ['agency_id', 'id'], unique=False)
    op.create_index(op.f('ix_liaison_officer_organization_id'), 'liaison_officer', ['organization_id'], unique=False)
    op.create_index(op.f('ix_liaison_officer_person_id'), 'liaison_officer', ['person_id'], unique=False)
    op.create_index(op.f('ix_liaison_officer_unit_id'), 'liaison_officer', ['unit_id'], unique=False)
    op.create_table('social_worker',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('person_id', sa.BigInteger(), nullable=False),
    sa.Column('organization_id', sa.BigInteger(), nullable=True),
    sa.Column('post', sa.String(length=60), nullable=False),
    sa.Column('full_time', sa.Boolean(), nullable=False),
    sa.Column('since', sa.Date(), nullable=False),
    sa.Column('until', sa.Date(), nullable=True),
    sa.Column('level', sa.String(length=16), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('until IS NULL OR until >= since', name=op.f('ck_social_worker_dates_order')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_social_worker_agency_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_social_worker_organization_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_social_worker_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_social_worker')),
    sa.UniqueConstraint('agency_id', 'person_id', name=op.f('uq_social_worker_agency_id_person_id'))
    )
    op.create_index(op.f('ix_social_worker_agency_id_id'), 'social_worker', ['agency_id', 'id'], unique=False)
    op.create_index(op.f('ix_social_worker_agency_id_level_id'), 'social_worker', ['agency_id', 'level', 'id'], unique=False)
    op.create_index(op.f('ix_social_worker_organization_id'), 'social_worker', ['organization_id'], unique=False)
    op.create_index(op.f('ix_social_worker_person_id'), 'social_worker', ['person_id'], unique=False)
    op.create_table('volunteer',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('person_id', sa.BigInteger(), nullable=False),
    sa.Column('organization_id', sa.BigInteger(), nullable=True),
    sa.Column('skills', sa.JSON(), nullable=False),
    sa.Column('registered_on', sa.Date(), nullable=False),
    sa.Column('left_on', sa.Date(), nullable=True),
    sa.Column('consented_on', sa.Date(), nullable=True),
    sa.Column('consent_form', sa.String(length=120), nullable=False),
    sa.Column('guardian_id', sa.BigInteger(), nullable=True),
    sa.Column('guardian_consented_on', sa.Date(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('guardian_consented_on IS NULL OR guardian_id IS NOT NULL', name=op.f('ck_volunteer_consent_names_guardian')),
    sa.CheckConstraint('guardian_id <> person_id', name=op.f('ck_volunteer_guardian_is_another')),
    sa.CheckConstraint('left_on IS NULL OR left_on >= registered_on', name=op.f('ck_volunteer_dates_order')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_volunteer_agency_id')),
    sa.ForeignKeyConstraint(['guardian_id'], ['person.id'], name=op.f('fk_volunteer_guardian_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_volunteer_organization_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_volunteer_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_volunteer')),
    sa.UniqueConstraint('agency_id', 'person_id', name=op.f('uq_volunteer_agency_id_person_id'))
    )
    op.create_index(op.f('ix_volunteer_agency_id_id'), 'volunteer', ['agency_id', 'id'], unique=False)
    op.create_index(op.f('ix_volunteer_guardian_id'), 'volunteer', ['guardian_id'], unique=False)
    op.create_index(op.f('ix_volunteer_organization_id'), 'volunteer', ['organization_id'], unique=False)
    op.create_index(op.f('ix_volunteer_person_id'), 'volunteer', ['person_id'], unique=False)
    op.create_table('certificate',
    sa.Column('worker_id', sa.BigInteger(), nullable=False),
    sa.Column('level', sa.String(length=16), nullable=False),
    sa.Column('number', sa.String(length=40), nullable=False),
    sa.Column('issued_on', sa.Date(), nullable=False),
    sa.Column('valid_to', sa.Date(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('valid_to >= issued_on', name=op.f('ck_certificate_validity_order')),
    sa.ForeignKeyConstraint(['worker_id'], ['social_worker.id'], name=op.f('fk_certificate_worker_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_certificate')),
    sa.UniqueConstraint('number', name=op.f('uq_certificate_number'))
    )
    op.create_index(op.f('ix_certificate_valid_to'), 'certificate', ['valid_to'], unique=False)
    op.create_index(op.f('ix_certificate_worker_id'), 'certificate', ['worker_id'], unique=False)
    op.create_table('expert_absence',
    sa.Column('expert_id', sa.BigInteger(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.Column('reason', sa.String(length=120), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('ends_on >= starts_on', name=op.f('ck_expert_absence_dates_order')),
    sa.ForeignKeyConstraint(['expert_id'], ['expert.id'], name=op.f('fk_expert_absence_expert_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_expert_absence'))
    )
    op.create_index(op.f('ix_expert_absence_expert_id'), 'expert_absence', ['expert_id'], unique=False)
    op.create_table('expert_conduct',
    sa.Column('expert_id', sa.BigInteger(), nullable=False),
    sa.Column('noted_on', sa.Date(), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('note', sa.String(length=200), nullable=False),
    sa.Column('noted_by', sa.BigInteger(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['expert_id'], ['expert.id'], name=op.f('fk_expert_conduct_expert_id')),
    sa.ForeignKeyConstraint(['noted_by'], ['user_account.id'], name=op.f('fk_expert_conduct_noted_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_expert_conduct'))
    )
    op.create_index(op.f('ix_expert_conduct_expert_id'), 'expert_conduct', ['expert_id'], unique=False)
    op.create_table('liaison_receipt',
    sa.Column('notice_id', sa.BigInteger(), nullable=False),
    sa.Column('officer_id', sa.BigInteger(), nullable=False),
    sa.Column('person_id', sa.BigInteger(), nullable=False),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('told_by', sa.BigInteger(), nullable=True),
    sa.Column('told_how', sa.String(length=120), nullable=False),
    sa.Column('reminders', sa.Integer(), nullable=False),
    sa.Column('reminded_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('reminders >= 0', name=op.f('ck_liaison_receipt_reminders_not_negative')),
    sa.CheckConstraint('told_by IS NULL OR read_at IS NOT NULL', name=op.f('ck_liaison_receipt_told_is_read')),
    sa.ForeignKeyConstraint(['notice_id'], ['liaison_notice.id'], name=op.f('fk_liaison_receipt_notice_id')),
    sa.ForeignKeyConstraint(['officer_id'], ['liaison_officer.id'], name=op.f('fk_liaison_receipt_officer_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_liaison_receipt_person_id')),
    sa.ForeignKeyConstraint(['told_by'], ['user_account.id'], name=op.f('fk_liaison_receipt_told_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_liaison_receipt')),
    sa.UniqueConstraint('notice_id', 'officer_id', name=op.f('uq_liaison_receipt_notice_id_officer_id'))
    )
    op.create_index(op.f('ix_liaison_receipt_officer_id'), 'liaison_receipt', ['officer_id'], unique=False)
    op.create_index(op.f('ix_liaison_receipt_person_id'), 'liaison_receipt', ['person_id'], unique=False)
    op.create_table('volunteer_cover',
    sa.Column('volunteer_id', sa.BigInteger(), nullable=False),
    sa.Column('insurer', sa.String(length=60), nullable=False),
    sa.Column('number', sa.String(length=40), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_to', sa.Date(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('valid_to >= valid_from', name=op.f('ck_volunteer_cover_validity_order')),
    sa.ForeignKeyConstraint(['volunteer_id'], ['volunteer.id'], name=op.f('fk_volunteer_cover_volunteer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_volunteer_cover'))
    )
    op.create_index(op.f('ix_volunteer_cover_volunteer_id'), 'volunteer_cover', ['volunteer_id'], unique=False)
    op.create_table('volunteer_hours',
    sa.Column('volunteer_id', sa.BigInteger(), nullable=False),
    sa.Column('served_on', sa.Date(), nullable=False),
    sa.Column('minutes', sa.Integer(), nullable=False),
    sa.Column('activity', sa.String(length=120), nullable=False),
    sa.Column('dangerous', sa.Boolean(), nullable=False),
    sa.Column('noted_by', sa.BigInteger(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.CheckConstraint('minutes BETWEEN 1 AND 1440', name=op.f('ck_volunteer_hours_minutes_of_a_day')),
    sa.ForeignKeyConstraint(['noted_by'], ['user_account.id'], name=op.f('fk_volunteer_hours_noted_by')),
    sa.ForeignKeyConstraint(['volunteer_id'], ['volunteer.id'], name=op.f('fk_volunteer_hours_volunteer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_volunteer_hours'))
    )
    op.create_index(op.f('ix_volunteer_hours_volunteer_id_served_on'), 'volunteer_hours', ['volunteer_id', 'served_on'], unique=False)
    op.create_index(op.f('ix_agency_successor_id'), 'agency', ['successor_id'], unique=False)
    op.create_index(op.f('ix_expert_agency_id_state_id'), 'expert', ['agency_id', 'state', 'id'], unique=False)
    op.create_index(op.f('ix_person_identity_hash'), 'person', ['identity_hash'], unique=True)
    op.create_index(op.f('ix_person_merged_into_id'), 'person', ['merged_into_id'], unique=False)
    op.create_index(op.f('ix_person_sort_key_id'), 'person', ['sort_key', 'id'], unique=False)


def downgrade():
    op.drop_table('volunteer_hours')
    op.drop_table('volunteer_cover')
    op.drop_table('liaison_receipt')
    op.drop_table('expert_conduct')
    op.drop_table('expert_absence')
    op.drop_table('certificate')
    op.drop_table('volunteer')
    op.drop_table('social_worker')
    op.drop_table('liaison_officer')
    op.drop_table('employment')
    op.drop_table('custody_transfer')
    op.drop_table('training_attendance')
    op.drop_table('liaison_notice')
    op.drop_table('training')
    op.drop_table('kinship')
    op.drop_table('agency_term')
    op.drop_table('agency_section')
    for index, table in (
        ("ix_person_sort_key_id", "person"),
        ("ix_person_merged_into_id", "person"),
        ("ix_person_identity_hash", "person"),
        ("ix_expert_agency_id_state_id", "expert"),
        ("ix_agency_successor_id", "agency"),
    ):
        op.drop_index(index, table_name=table)
    for table, column, _told in reversed(COLUMNS):
        op.drop_column(table, column)
