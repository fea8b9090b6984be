"""the register of organizations: three registers in one, changes, particulars, governance, hubs, outcomes

Revision ID: 0016
Revises: 0015
Create Date: 2026-11-24

"""
from alembic import op
import sqlalchemy as sa

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
COLUMNS = (
    ("direct_class", "VARCHAR(16) NOT NULL DEFAULT ''"),
    ("community_type", "VARCHAR(16) NOT NULL DEFAULT ''"),
    ("name_key", "VARCHAR(60) NOT NULL DEFAULT ''"),
    ("sound_key", "VARCHAR(120) NOT NULL DEFAULT ''"),
    ("verified_on", "DATE"),
)
TABLES = (
    "post",
    "update_request",
    "term",
    "staff_count",
    "similar_pair",
    "qualification",
    "outcome_case",
    "organization_tag",
    "organization_profile",
    "organization_merge",
    "organization_change",
    "membership",
    "hub_service",
    "honour",
    "fundraising_filing",
    "former_identity",
    "department_role",
    "community_fund",
    "candidate_check",
)


def upgrade():
    for column, told in COLUMNS:
        op.execute(f"ALTER TABLE organization ADD COLUMN {column} {told}")
    op.create_table('candidate_check',
    sa.Column('organization_id', sa.BigInteger(), nullable=False),
    sa.Column('person_id', sa.BigInteger(), nullable=False),
    sa.Column('post', sa.String(length=20), nullable=False),
    sa.Column('result', sa.String(length=8), nullable=False),
    sa.Column('answers', sa.JSON(), nullable=False),
    sa.Column('note', sa.String(length=400), nullable=False),
    sa.Column('checked_on', sa.Date(), nullable=False),
    sa.Column('checked_by', sa.BigInteger(), nullable=True),
    sa.Column('id', BIG, nullable=False),
    sa.ForeignKeyConstraint(['checked_by'], ['user_account.id'], name=op.f('fk_candidate_check_checked_by')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_candidate_check_organization_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_candidate_check_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_candidate_check'))
    )
    op.create_index(op.f('ix_candidate_check_checked_by'), 'candidate_check', ['checked_by'], unique=False)
    op.create_index(op.f('ix_candidate_check_organization_id'), 'candidate_check', ['organization_id'], unique=False)
    op.create_index(op.f('ix_candidate_check_person_id'), 'candidate_check', ['person_id'], unique=False)
    op.create_table('community_fund',
    sa.Column('host_id', sa.BigInteger(), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('division_code', sa.String(length=12), nullable=False),
    sa.Column('purpose', sa.Text(), nullable=False),
    sa.Column('set_up_on', sa.Date(), nullable=False),
    sa.Column('ended_on', sa.Date(), nullable=True),
    sa.Column('recorded_by', sa.BigInteger(), nullable=True),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint('ended_on >= set_up_on', name=op.f('ck_community_fund_dates_order')),
    sa.ForeignKeyConstraint(['host_id'], ['organization.id'], name=op.f('fk_community_fund_host_id')),
    sa.ForeignKeyConstraint(['recorded_by'], ['user_account.id'], name=op.f('fk_community_fund_recorded_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_community_fund')),
    sa.UniqueConstraint('host_id', 'name', name=op.f('uq_community_fund_host_id_name'))
    )
    op.create_index(op.f('ix_community_fund_recorded_by'), 'community_fund', ['recorded_by'], unique=False)
    op.create_table('department_role',
    sa.Column('organization_id', sa.BigInteger(), nullable=False),
    sa.Column('role', sa.String(length=16), nullable=False),
    sa.Column('agency_id', sa.BigInteger(), nullable=True),
    sa.Column('unit_name', sa.String(length=120), nullable=False),
    sa.Column('since', sa.Date(), nullable=False),
    sa.Column('until', sa.Date(), nullable=True),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint("agency_id IS NOT NULL OR unit_name <> ''", name=op.f('ck_department_role_some_unit')),
    sa.CheckConstraint('until >= since', name=op.f('ck_department_role_dates_order')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_department_role_agency_id')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_department_role_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_department_role'))
    )
    op.create_index(op.f('ix_department_role_agency_id'), 'department_role', ['agency_id'], unique=False)
    op.create_index(op.f('ix_department_role_organization_id_role_since'), 'department_role', ['organization_id', 'role', 'since'], unique=False)
    op.create_table('former_identity',
    sa.Column('organization_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('value', sa.String(length=120), nullable=False),
    sa.Column('until', sa.Date(), nullable=False),
    sa.Column('id', BIG, nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_former_identity_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_former_identity'))
    )
    op.create_index(op.f('ix_former_identity_organization_id'), 'former_identity', ['organization_id'], unique=False)
    op.create_index(op.f('ix_former_identity_value'), 'former_identity', ['value'], unique=False)
    op.create_table('fundraising_filing',
    sa.Column('organization_id', sa.BigInteger(), nullable=False),
    sa.Column('number', sa.String(length=32), nullable=False),
    sa.Column('title', sa.String(length=160), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.Column('target', sa.BigInteger(), nullable=True),
    sa.Column('recorded_by', sa.BigInteger(), nullable=True),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint('ends_on >= starts_on', name=op.f('ck_fundraising_filing_dates_order')),
    sa.CheckConstraint('target > 0', name=op.f('ck_fundraising_filing_target_positive')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_fundraising_filing_organization_id')),
    sa.ForeignKeyConstraint(['recorded_by'], ['user_account.id'], name=op.f('fk_fundraising_filing_recorded_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fundraising_filing')),
    sa.UniqueConstraint('number', name=op.f('uq_fundraising_filing_number'))
    )
    op.create_index(op.f('ix_fundraising_filing_organization_id_starts_on'), 'fundraising_filing', ['organization_id', 'starts_on'], unique=False)
    op.create_index(op.f('ix_fundraising_filing_recorded_by'), 'fundraising_filing', ['recorded_by'], unique=False)
    op.create_table('honour',
    sa.Column('organization_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('title', sa.String(length=160), nullable=False),
    sa.Column('level', sa.String(length=12), nullable=False),
    sa.Column('given_by', sa.String(length=120), nullable=False),
    sa.Column('given_on', sa.Date(), nullable=False),
    sa.Column('valid_to', sa.Date(), nullable=True),
    sa.Column('document', sa.String(length=120), nullable=False),
    sa.Column('recorded_by', sa.BigInteger(), nullable=True),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint('valid_to >= given_on', name=op.f('ck_honour_validity_order')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_honour_organization_id')),
    sa.ForeignKeyConstraint(['recorded_by'], ['user_account.id'], name=op.f('fk_honour_recorded_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_honour'))
    )
    op.create_index(op.f('ix_honour_organization_id_given_on'), 'honour', ['organization_id', 'given_on'], unique=False)
    op.create_index(op.f('ix_honour_recorded_by'), 'honour', ['recorded_by'], unique=False)
    op.create_table('hub_service',
    sa.Column('hub_id', sa.BigInteger(), nullable=False),
    sa.Column('member_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('done_on', sa.Date(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('recorded_by', sa.BigInteger(), nullable=True),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint('hub_id <> member_id', name=op.f('ck_hub_service_not_own_service')),
    sa.ForeignKeyConstraint(['hub_id'], ['organization.id'], name=op.f('fk_hub_service_hub_id')),
    sa.ForeignKeyConstraint(['member_id'], ['organization.id'], name=op.f('fk_hub_service_member_id')),
    sa.ForeignKeyConstraint(['recorded_by'], ['user_account.id'], name=op.f('fk_hub_service_recorded_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hub_service'))
    )
    op.create_index(op.f('ix_hub_service_hub_id_done_on_id'), 'hub_service', ['hub_id', 'done_on', 'id'], unique=False)
    op.create_index(op.f('ix_hub_service_member_id'), 'hub_service', ['member_id'], unique=False)
    op.create_index(op.f('ix_hub_service_recorded_by'), 'hub_service', ['recorded_by'], unique=False)
    op.create_table('membership',
    sa.Column('hub_id', sa.BigInteger(), nullable=False),
    sa.Column('member_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('since', sa.Date(), nullable=False),
    sa.Column('until', sa.Date(), nullable=True),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint('hub_id <> member_id', name=op.f('ck_membership_not_own_member')),
    sa.CheckConstraint('until >= since', name=op.f('ck_membership_dates_order')),
    sa.ForeignKeyConstraint(['hub_id'], ['organization.id'], name=op.f('fk_membership_hub_id')),
    sa.ForeignKeyConstraint(['member_id'], ['organization.id'], name=op.f('fk_membership_member_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_membership')),
    sa.UniqueConstraint('hub_id', 'member_id', 'since', name=op.f('uq_membership_hub_id_member_id_since'))
    )
    op.create_index(op.f('ix_membership_member_id'), 'membership', ['member_id'], unique=False)
    op.create_table('organization_change',
    sa.Column('organization_id', sa.BigInteger(), nullable=False),
    sa.Column('field', sa.String(length=32), nullable=False),
    sa.Column('old', sa.JSON(), nullable=False),
    sa.Column('new', sa.JSON(), nullable=False),
    sa.Column('source', sa.String(length=16), nullable=False),
    sa.Column('evidence', sa.String(length=200), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_by', sa.BigInteger(), nullable=True),
    sa.Column('id', BIG, nullable=False),
    sa.ForeignKeyConstraint(['changed_by'], ['user_account.id'], name=op.f('fk_organization_change_changed_by')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_organization_change_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organization_change'))
    )
    op.create_index(op.f('ix_organization_change_changed_by'), 'organization_change', ['changed_by'], unique=False)
    op.create_index(op.f('ix_organization_change_organization_id_id'), 'organization_change', ['organization_id', 'id'], unique=False)
    op.create_table('organization_merge',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('kept_id', sa.BigInteger(), nullable=False),
    sa.Column('gone_id', sa.BigInteger(), nullable=False),
    sa.Column('gone_name', sa.String(length=120), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('reason', sa.String(length=400), nullable=False),
    sa.Column('moved', sa.JSON(), nullable=False),
    sa.Column('set_aside', sa.JSON(), nullable=False),
    sa.Column('proposed_by', sa.BigInteger(), nullable=True),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_by', sa.BigInteger(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint("state <> 'confirmed' OR (decided_by IS NOT NULL AND decided_by <> proposed_by)", name=op.f('ck_organization_merge_two_people')),
    sa.CheckConstraint('kept_id <> gone_id', name=op.f('ck_organization_merge_two_entries')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_organization_merge_agency_id')),
    sa.ForeignKeyConstraint(['decided_by'], ['user_account.id'], name=op.f('fk_organization_merge_decided_by')),
    sa.ForeignKeyConstraint(['kept_id'], ['organization.id'], name=op.f('fk_organization_merge_kept_id')),
    sa.ForeignKeyConstraint(['proposed_by'], ['user_account.id'], name=op.f('fk_organization_merge_proposed_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organization_merge'))
    )
    op.create_index(op.f('ix_organization_merge_agency_id_state_id'), 'organization_merge', ['agency_id', 'state', 'id'], unique=False)
    op.create_index(op.f('ix_organization_merge_decided_by'), 'organization_merge', ['decided_by'], unique=False)
    op.create_index(op.f('ix_organization_merge_gone_id'), 'organization_merge', ['gone_id'], unique=False)
    op.create_index(op.f('ix_organization_merge_kept_id'), 'organization_merge', ['kept_id'], unique=False)
    op.create_index(op.f('ix_organization_merge_proposed_by'), 'organization_merge', ['proposed_by'], unique=False)
    op.create_table('organization_profile',
    sa.Column('organization_id', sa.BigInteger(), nullable=False),
    sa.Column('capital', sa.BigInteger(), nullable=True),
    sa.Column('certificate_from', sa.Date(), nullable=True),
    sa.Column('certificate_to', sa.Date(), nullable=True),
    sa.Column('charter_on', sa.Date(), nullable=True),
    sa.Column('supervising_unit', sa.String(length=120), nullable=False),
    sa.Column('filed_on', sa.Date(), nullable=True),
    sa.Column('filing_number', sa.String(length=60), nullable=False),
    sa.Column('activity_area', sa.String(length=120), nullable=False),
    sa.Column('member_count', sa.Integer(), nullable=True),
    sa.Column('home_authority', sa.String(length=120), nullable=False),
    sa.Column('active_since', sa.Date(), nullable=True),
    sa.Column('local_contact', sa.String(length=60), nullable=False),
    sa.Column('local_phone', sa.String(length=20), nullable=False),
    sa.Column('detachment', sa.String(length=16), nullable=False),
    sa.Column('former_unit', sa.String(length=120), nullable=False),
    sa.Column('detachment_began_on', sa.Date(), nullable=True),
    sa.Column('detached_on', sa.Date(), nullable=True),
    sa.Column('detachment_document', sa.String(length=60), nullable=False),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint("detachment <> 'done' OR detached_on IS NOT NULL", name=op.f('ck_organization_profile_detached_has_day')),
    sa.CheckConstraint('capital >= 0', name=op.f('ck_organization_profile_capital_not_negative')),
    sa.CheckConstraint('certificate_to >= certificate_from', name=op.f('ck_organization_profile_certificate_order')),
    sa.CheckConstraint('detached_on >= detachment_began_on', name=op.f('ck_organization_profile_detachment_order')),
    sa.CheckConstraint('member_count >= 0', name=op.f('ck_organization_profile_members_not_negative')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_organization_profile_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organization_profile')),
    sa.UniqueConstraint('organization_id', name=op.f('uq_organization_profile_organization_id'))
    )
    op.create_table('organization_tag',
    sa.Column('organization_id', sa.BigInteger(), nullable=False),
    sa.Column('tag', sa.String(length=16), nullable=False),
    sa.Column('since', sa.Date(), nullable=False),
    sa.Column('until', sa.Date(), nullable=True),
    sa.Column('document', sa.String(length=120), nullable=False),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint('until >= since', name=op.f('ck_organization_tag_dates_order')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_organization_tag_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organization_tag')),
    sa.UniqueConstraint('organization_id', 'tag', 'since', name=op.f('uq_organization_tag_organization_id_tag_since'))
    )
    op.create_index(op.f('ix_organization_tag_tag_organization_id'), 'organization_tag', ['tag', 'organization_id'], unique=False)
    op.create_table('outcome_case',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('organization_id', sa.BigInteger(), nullable=False),
    sa.Column('outcome', sa.String(length=16), nullable=False),
    sa.Column('ground', sa.String(length=16), nullable=False),
    sa.Column('facts', sa.Text(), nullable=False),
    sa.Column('document', sa.String(length=60), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('liquidator', sa.String(length=120), nullable=False),
    sa.Column('liquidator_phone', sa.String(length=20), nullable=False),
    sa.Column('liquidation_until', sa.Date(), nullable=True),
    sa.Column('status_before', sa.String(length=16), nullable=False),
    sa.Column('consequences', sa.JSON(), nullable=False),
    sa.Column('decided_on', sa.Date(), nullable=True),
    sa.Column('closed_on', sa.Date(), nullable=True),
    sa.Column('proposed_by', sa.BigInteger(), nullable=True),
    sa.Column('reviewed_by', sa.BigInteger(), nullable=True),
    sa.Column('decided_by', sa.BigInteger(), nullable=True),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint('decided_by <> proposed_by AND decided_by <> reviewed_by', name=op.f('ck_outcome_case_decider_differs')),
    sa.CheckConstraint('reviewed_by <> proposed_by', name=op.f('ck_outcome_case_reviewer_differs')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_outcome_case_agency_id')),
    sa.ForeignKeyConstraint(['decided_by'], ['user_account.id'], name=op.f('fk_outcome_case_decided_by')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_outcome_case_organization_id')),
    sa.ForeignKeyConstraint(['proposed_by'], ['user_account.id'], name=op.f('fk_outcome_case_proposed_by')),
    sa.ForeignKeyConstraint(['reviewed_by'], ['user_account.id'], name=op.f('fk_outcome_case_reviewed_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outcome_case'))
    )
    op.create_index(op.f('ix_outcome_case_agency_id_state_id'), 'outcome_case', ['agency_id', 'state', 'id'], unique=False)
    op.create_index(op.f('ix_outcome_case_decided_by'), 'outcome_case', ['decided_by'], unique=False)
    op.create_index(op.f('ix_outcome_case_organization_id'), 'outcome_case', ['organization_id'], unique=False)
    op.create_index(op.f('ix_outcome_case_proposed_by'), 'outcome_case', ['proposed_by'], unique=False)
    op.create_index(op.f('ix_outcome_case_reviewed_by'), 'outcome_case', ['reviewed_by'], unique=False)
    op.create_table('qualification',
    sa.Column('organization_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('document', sa.String(length=120), nullable=False),
    sa.Column('issued_by', sa.String(length=120), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_to', sa.Date(), nullable=True),
    sa.Column('recorded_by', sa.BigInteger(), nullable=True),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint('valid_to >= valid_from', name=op.f('ck_qualification_validity_order')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_qualification_organization_id')),
    sa.ForeignKeyConstraint(['recorded_by'], ['user_account.id'], name=op.f('fk_qualification_recorded_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_qualification'))
    )
    op.create_index(op.f('ix_qualification_organization_id_kind_valid_from'), 'qualification', ['organization_id', 'kind', 'valid_from'], unique=False)
    op.create_index(op.f('ix_qualification_recorded_by'), 'qualification', ['recorded_by'], unique=False)
    op.create_table('similar_pair',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('other_agency_id', sa.BigInteger(), nullable=False),
    sa.Column('first_id', sa.BigInteger(), nullable=False),
    sa.Column('second_id', sa.BigInteger(), nullable=False),
    sa.Column('reason', sa.String(length=8), nullable=False),
    sa.Column('dismissed_by', sa.BigInteger(), nullable=True),
    sa.Column('dismissed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('note', sa.String(length=400), nullable=False),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint('first_id < second_id', name=op.f('ck_similar_pair_in_order')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_similar_pair_agency_id')),
    sa.ForeignKeyConstraint(['dismissed_by'], ['user_account.id'], name=op.f('fk_similar_pair_dismissed_by')),
    sa.ForeignKeyConstraint(['first_id'], ['organization.id'], name=op.f('fk_similar_pair_first_id')),
    sa.ForeignKeyConstraint(['other_agency_id'], ['agency.id'], name=op.f('fk_similar_pair_other_agency_id')),
    sa.ForeignKeyConstraint(['second_id'], ['organization.id'], name=op.f('fk_similar_pair_second_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_similar_pair')),
    sa.UniqueConstraint('first_id', 'second_id', name=op.f('uq_similar_pair_first_id_second_id'))
    )
    op.create_index(op.f('ix_similar_pair_agency_id_dismissed_at_id'), 'similar_pair', ['agency_id', 'dismissed_at', 'id'], unique=False)
    op.create_index(op.f('ix_similar_pair_dismissed_by'), 'similar_pair', ['dismissed_by'], unique=False)
    op.create_index(op.f('ix_similar_pair_second_id'), 'similar_pair', ['second_id'], unique=False)
    op.create_table('staff_count',
    sa.Column('organization_id', sa.BigInteger(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('full_time', sa.Integer(), nullable=False),
    sa.Column('part_time', sa.Integer(), nullable=False),
    sa.Column('social_workers', sa.Integer(), nullable=False),
    sa.Column('volunteers', sa.Integer(), nullable=False),
    sa.Column('new_jobs', sa.Integer(), nullable=False),
    sa.Column('recorded_by', sa.BigInteger(), nullable=True),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint('full_time >= 0 AND part_time >= 0 AND social_workers >= 0 AND volunteers >= 0 AND new_jobs >= 0', name=op.f('ck_staff_count_counts_not_negative')),
    sa.CheckConstraint('social_workers <= full_time + part_time', name=op.f('ck_staff_count_social_workers_are_staff')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_staff_count_organization_id')),
    sa.ForeignKeyConstraint(['recorded_by'], ['user_account.id'], name=op.f('fk_staff_count_recorded_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_count')),
    sa.UniqueConstraint('organization_id', 'year', name=op.f('uq_staff_count_organization_id_year'))
    )
    op.create_index(op.f('ix_staff_count_recorded_by'), 'staff_count', ['recorded_by'], unique=False)
    op.create_table('term',
    sa.Column('organization_id', sa.BigInteger(), nullable=False),
    sa.Column('body', sa.String(length=16), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint('ends_on > starts_on', name=op.f('ck_term_dates_order')),
    sa.CheckConstraint('number > 0', name=op.f('ck_term_number_positive')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_term_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_term')),
    sa.UniqueConstraint('organization_id', 'body', 'number', name=op.f('uq_term_organization_id_body_number'))
    )
    op.create_table('update_request',
    sa.Column('agency_id', sa.BigInteger(), nullable=False),
    sa.Column('organization_id', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('base', sa.JSON(), nullable=False),
    sa.Column('proposed', sa.JSON(), nullable=False),
    sa.Column('evidence', sa.String(length=200), nullable=False),
    sa.Column('answer', sa.String(length=500), nullable=False),
    sa.Column('drafted_by', sa.BigInteger(), nullable=True),
    sa.Column('submitted_by', sa.BigInteger(), nullable=True),
    sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.BigInteger(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint('decided_by <> submitted_by AND decided_by <> drafted_by', name=op.f('ck_update_request_decided_by_another')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_update_request_agency_id')),
    sa.ForeignKeyConstraint(['decided_by'], ['user_account.id'], name=op.f('fk_update_request_decided_by')),
    sa.ForeignKeyConstraint(['drafted_by'], ['user_account.id'], name=op.f('fk_update_request_drafted_by')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_update_request_organization_id')),
    sa.ForeignKeyConstraint(['submitted_by'], ['user_account.id'], name=op.f('fk_update_request_submitted_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_update_request'))
    )
    op.create_index(op.f('ix_update_request_agency_id_state_id'), 'update_request', ['agency_id', 'state', 'id'], unique=False)
    op.create_index(op.f('ix_update_request_agency_id_id'), 'update_request', ['agency_id', 'id'], unique=False)
    op.create_index(op.f('ix_update_request_decided_by'), 'update_request', ['decided_by'], unique=False)
    op.create_index(op.f('ix_update_request_drafted_by'), 'update_request', ['drafted_by'], unique=False)
    op.create_index(op.f('ix_update_request_organization_id_id'), 'update_request', ['organization_id', 'id'], unique=False)
    op.create_index(op.f('ix_update_request_submitted_by'), 'update_request', ['submitted_by'], unique=False)
    op.create_table('post',
    sa.Column('organization_id', sa.BigInteger(), nullable=False),
    sa.Column('person_id', sa.BigInteger(), nullable=False),
    sa.Column('term_id', sa.BigInteger(), nullable=True),
    sa.Column('post', sa.String(length=20), nullable=False),
    sa.Column('birth_year', sa.Integer(), nullable=True),
    sa.Column('official', sa.String(length=8), nullable=False),
    sa.Column('approved_by', sa.String(length=120), nullable=False),
    sa.Column('approval_document', sa.String(length=120), nullable=False),
    sa.Column('approved_on', sa.Date(), nullable=True),
    sa.Column('since', sa.Date(), nullable=False),
    sa.Column('until', sa.Date(), nullable=True),
    sa.Column('interest_id', sa.BigInteger(), nullable=True),
    sa.Column('recorded_by', sa.BigInteger(), nullable=True),
    sa.Column('id', BIG, nullable=False),
    sa.CheckConstraint('until >= since', name=op.f('ck_post_dates_order')),
    sa.ForeignKeyConstraint(['interest_id'], ['interest.id'], name=op.f('fk_post_interest_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_post_organization_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_post_person_id')),
    sa.ForeignKeyConstraint(['recorded_by'], ['user_account.id'], name=op.f('fk_post_recorded_by')),
    sa.ForeignKeyConstraint(['term_id'], ['term.id'], name=op.f('fk_post_term_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_post'))
    )
    op.create_index(op.f('ix_post_interest_id'), 'post', ['interest_id'], unique=False)
    op.create_index(op.f('ix_post_organization_id_since'), 'post', ['organization_id', 'since'], unique=False)
    op.create_index(op.f('ix_post_person_id_until'), 'post', ['person_id', 'until'], unique=False)
    op.create_index(op.f('ix_post_recorded_by'), 'post', ['recorded_by'], unique=False)
    op.create_index(op.f('ix_post_term_id'), 'post', ['term_id'], unique=False)
    op.create_index(op.f('ix_organization_sound_key_agency_id'), 'organization', ['sound_key', 'agency_id'], unique=False)
    op.create_index(op.f('ix_organization_agency_id_verified_on_id'), 'organization', ['agency_id', 'verified_on', 'id'], unique=False)


def downgrade():
    for keys in ("sound_key_agency_id", "agency_id_verified_on_id"):
        op.drop_index(f"ix_organization_{keys}", table_name="organization")
    for table in TABLES:
        op.drop_table(table)
    for column, _told in reversed(COLUMNS):
        op.drop_column("organization", column)
