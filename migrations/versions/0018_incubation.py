"""credit lists, party building, incubation

Revision ID: 0018
Revises: 0017
Create Date: 2026-11-24

"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LISTS = ("abnormal_list", "dishonesty_list", "zombie_list")


def upgrade():

    op.create_table(
        "coverage_target",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("stations", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("stations > 0", name="ck_coverage_target_stations_positive"),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_coverage_target_agency_id"),
        sa.PrimaryKeyConstraint("id", name="pk_coverage_target"),
        sa.UniqueConstraint("agency_id", "year", name="uq_coverage_target_agency_id_year"),
    )
    op.create_table(
        "incubator",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("division_code", sa.String(length=12), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("area", sa.Integer(), nullable=True),
        sa.Column("uses", sa.JSON(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("level IN ('base', 'park', 'station', 'point')", name="ck_incubator_known_level"),
        sa.CheckConstraint("area > 0", name="ck_incubator_area_positive"),
        sa.CheckConstraint("parent_id <> id", name="ck_incubator_not_own_parent"),
        sa.CheckConstraint("until >= opened_on", name="ck_incubator_dates_order"),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_incubator_agency_id"),
        sa.ForeignKeyConstraint(["parent_id"], ["incubator.id"], name="fk_incubator_parent_id"),
        sa.PrimaryKeyConstraint("id", name="pk_incubator"),
    )
    op.create_index(
        "ix_incubator_agency_id_level_id", "incubator", ["agency_id", "level", "id"], unique=False
    )
    op.create_index("ix_incubator_division_code", "incubator", ["division_code"], unique=False)
    op.create_index("ix_incubator_parent_id", "incubator", ["parent_id"], unique=False)
    op.create_table(
        "party_org",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("form", sa.String(length=16), nullable=False),
        sa.Column("superior", sa.String(length=120), nullable=False),
        sa.Column("secretary_id", sa.BigInteger(), nullable=True),
        sa.Column("founded_on", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("until >= founded_on", name="ck_party_org_dates_order"),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_party_org_agency_id"),
        sa.ForeignKeyConstraint(["secretary_id"], ["person.id"], name="fk_party_org_secretary_id"),
        sa.PrimaryKeyConstraint("id", name="pk_party_org"),
    )
    op.create_index("ix_party_org_agency_id_name_id", "party_org", ["agency_id", "name", "id"], unique=False)
    op.create_index("ix_party_org_secretary_id", "party_org", ["secretary_id"], unique=False)
    op.create_table(
        "party_worker",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("unit", sa.String(length=120), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("until >= since", name="ck_party_worker_dates_order"),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_party_worker_agency_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_party_worker_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_party_worker"),
    )
    op.create_index("ix_party_worker_agency_id_id", "party_worker", ["agency_id", "id"], unique=False)
    op.create_index("ix_party_worker_person_id", "party_worker", ["person_id"], unique=False)
    op.create_index(
        "uq_party_worker_living",
        "party_worker",
        ["agency_id", "person_id"],
        unique=True,
        sqlite_where=sa.text("until IS NULL"),
        postgresql_where=sa.text("until IS NULL"),
    )
    op.create_table(
        "incubator_space",
        sa.Column("incubator_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("terms", sa.String(length=16), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("equipment", sa.String(length=200), nullable=False),
        sa.Column("offered", sa.Boolean(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint(
            "(terms = 'reduced') = (price IS NOT NULL)", name="ck_incubator_space_price_when_reduced"
        ),
        sa.CheckConstraint("price > 0", name="ck_incubator_space_price_positive"),
        sa.CheckConstraint("seats > 0", name="ck_incubator_space_seats_positive"),
        sa.ForeignKeyConstraint(["incubator_id"], ["incubator.id"], name="fk_incubator_space_incubator_id"),
        sa.PrimaryKeyConstraint("id", name="pk_incubator_space"),
    )
    op.create_index("ix_incubator_space_incubator_id", "incubator_space", ["incubator_id"], unique=False)
    op.create_table(
        "party_check",
        sa.Column("party_org_id", sa.BigInteger(), nullable=False),
        sa.Column("scheme", sa.String(length=8), nullable=False),
        sa.Column("assessed_on", sa.Date(), nullable=False),
        sa.Column("assessor_id", sa.BigInteger(), nullable=False),
        sa.Column("met", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("scheme IN ('eight', 'six')", name="ck_party_check_known_scheme"),
        sa.ForeignKeyConstraint(["assessor_id"], ["user_account.id"], name="fk_party_check_assessor_id"),
        sa.ForeignKeyConstraint(["party_org_id"], ["party_org.id"], name="fk_party_check_party_org_id"),
        sa.PrimaryKeyConstraint("id", name="pk_party_check"),
    )
    op.create_index(
        "ix_party_check_party_org_id_scheme_assessed_on_id",
        "party_check",
        ["party_org_id", "scheme", "assessed_on", "id"],
        unique=False,
    )
    op.create_table(
        "party_paper",
        sa.Column("party_org_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("dated_on", sa.Date(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name="fk_party_paper_file_id"),
        sa.ForeignKeyConstraint(["party_org_id"], ["party_org.id"], name="fk_party_paper_party_org_id"),
        sa.PrimaryKeyConstraint("id", name="pk_party_paper"),
    )
    op.create_index(
        "ix_party_paper_party_org_id_kind_id", "party_paper", ["party_org_id", "kind", "id"], unique=False
    )
    op.create_table(
        "adverse_record",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("entered_on", sa.Date(), nullable=False),
        sa.Column("removed_on", sa.Date(), nullable=True),
        sa.Column("grounds", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("recorded_by", sa.BigInteger(), nullable=False),
        sa.Column("removed_by", sa.BigInteger(), nullable=True),
        sa.Column("removal_reason", sa.Text(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint(
            "removed_by IS NULL OR removed_by <> recorded_by", name="ck_adverse_record_two_people"
        ),
        sa.CheckConstraint(
            "removed_on IS NULL OR removed_on >= entered_on", name="ck_adverse_record_dates_order"
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_adverse_record_agency_id"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_adverse_record_organization_id"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_adverse_record_person_id"),
        sa.ForeignKeyConstraint(["recorded_by"], ["user_account.id"], name="fk_adverse_record_recorded_by"),
        sa.ForeignKeyConstraint(["removed_by"], ["user_account.id"], name="fk_adverse_record_removed_by"),
        sa.PrimaryKeyConstraint("id", name="pk_adverse_record"),
    )
    op.create_index("ix_adverse_record_agency_id_id", "adverse_record", ["agency_id", "id"], unique=False)
    op.create_index("ix_adverse_record_person_id", "adverse_record", ["person_id"], unique=False)
    op.create_table(
        "hosted_stay",
        sa.Column("incubator_id", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("(until IS NULL) = (outcome = '')", name="ck_hosted_stay_outcome_with_its_day"),
        sa.CheckConstraint("until >= since", name="ck_hosted_stay_dates_order"),
        sa.ForeignKeyConstraint(["incubator_id"], ["incubator.id"], name="fk_hosted_stay_incubator_id"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_hosted_stay_organization_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_hosted_stay"),
    )
    op.create_index("ix_hosted_stay_incubator_id_id", "hosted_stay", ["incubator_id", "id"], unique=False)
    op.create_index(
        "ix_hosted_stay_organization_id_id", "hosted_stay", ["organization_id", "id"], unique=False
    )
    op.create_index(
        "uq_hosted_stay_living",
        "hosted_stay",
        ["organization_id"],
        unique=True,
        sqlite_where=sa.text("until IS NULL"),
        postgresql_where=sa.text("until IS NULL"),
    )
    op.create_table(
        "incubation_service",
        sa.Column("incubator_id", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=True),
        sa.Column("recipient", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("served_on", sa.Date(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_by", sa.BigInteger(), nullable=False),
        sa.Column("struck_on", sa.Date(), nullable=True),
        sa.Column("struck_by", sa.BigInteger(), nullable=True),
        sa.Column("struck_why", sa.Text(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint(
            "organization_id IS NOT NULL OR recipient <> ''", name="ck_incubation_service_for_somebody"
        ),
        sa.CheckConstraint(
            "(struck_on IS NULL) = (struck_by IS NULL)", name="ck_incubation_service_struck_by_somebody"
        ),
        sa.CheckConstraint("minutes > 0 AND people > 0", name="ck_incubation_service_something_was_done"),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name="fk_incubation_service_file_id"),
        sa.ForeignKeyConstraint(
            ["incubator_id"], ["incubator.id"], name="fk_incubation_service_incubator_id"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_incubation_service_organization_id"
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["user_account.id"], name="fk_incubation_service_recorded_by"
        ),
        sa.ForeignKeyConstraint(["struck_by"], ["user_account.id"], name="fk_incubation_service_struck_by"),
        sa.PrimaryKeyConstraint("id", name="pk_incubation_service"),
    )
    op.create_index(
        "ix_incubation_service_incubator_id_served_on_id",
        "incubation_service",
        ["incubator_id", "served_on", "id"],
        unique=False,
    )
    op.create_index(
        "ix_incubation_service_organization_id", "incubation_service", ["organization_id"], unique=False
    )
    op.create_table(
        "incubator_operator",
        sa.Column("incubator_id", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("contract", sa.String(length=120), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("until >= since", name="ck_incubator_operator_dates_order"),
        sa.ForeignKeyConstraint(
            ["incubator_id"], ["incubator.id"], name="fk_incubator_operator_incubator_id"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_incubator_operator_organization_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_incubator_operator"),
    )
    op.create_index(
        "ix_incubator_operator_incubator_id_id", "incubator_operator", ["incubator_id", "id"], unique=False
    )
    op.create_index(
        "ix_incubator_operator_organization_id", "incubator_operator", ["organization_id"], unique=False
    )
    op.create_index(
        "uq_incubator_operator_living",
        "incubator_operator",
        ["incubator_id"],
        unique=True,
        sqlite_where=sa.text("until IS NULL"),
        postgresql_where=sa.text("until IS NULL"),
    )
    op.create_table(
        "member_survey",
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("surveyed_on", sa.Date(), nullable=False),
        sa.Column("employees", sa.Integer(), nullable=False),
        sa.Column("full_members", sa.Integer(), nullable=False),
        sa.Column("probationary_members", sa.Integer(), nullable=False),
        sa.Column("relation_elsewhere", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_by", sa.BigInteger(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint(
            "employees >= 0 AND full_members >= 0 AND probationary_members >= 0 AND relation_elsewhere >= 0 AND relation_elsewhere <= full_members + probationary_members",
            name="ck_member_survey_counts_fit",
        ),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name="fk_member_survey_file_id"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_member_survey_organization_id"
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["user_account.id"], name="fk_member_survey_recorded_by"),
        sa.PrimaryKeyConstraint("id", name="pk_member_survey"),
        sa.UniqueConstraint(
            "organization_id", "surveyed_on", name="uq_member_survey_organization_id_surveyed_on"
        ),
    )
    op.create_table(
        "party_activity",
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("place", sa.String(length=120), nullable=False),
        sa.Column("attended", sa.Integer(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.BigInteger(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("attended > 0", name="ck_party_activity_somebody_came"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_party_activity_organization_id"
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["user_account.id"], name="fk_party_activity_recorded_by"),
        sa.PrimaryKeyConstraint("id", name="pk_party_activity"),
    )
    op.create_index("ix_party_activity_held_on_id", "party_activity", ["held_on", "id"], unique=False)
    op.create_index(
        "ix_party_activity_organization_id_held_on_id",
        "party_activity",
        ["organization_id", "held_on", "id"],
        unique=False,
    )
    op.create_table(
        "party_check_item",
        sa.Column("check_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("item", sa.String(length=16), nullable=False),
        sa.Column("mark", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.ForeignKeyConstraint(["check_id"], ["party_check.id"], name="fk_party_check_item_check_id"),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name="fk_party_check_item_file_id"),
        sa.PrimaryKeyConstraint("id", name="pk_party_check_item"),
        sa.UniqueConstraint("check_id", "item", name="uq_party_check_item_check_id_item"),
    )
    op.create_table(
        "party_cover",
        sa.Column("party_org_id", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("until >= since", name="ck_party_cover_dates_order"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_party_cover_organization_id"
        ),
        sa.ForeignKeyConstraint(["party_org_id"], ["party_org.id"], name="fk_party_cover_party_org_id"),
        sa.PrimaryKeyConstraint("id", name="pk_party_cover"),
    )
    op.create_index(
        "ix_party_cover_organization_id_id", "party_cover", ["organization_id", "id"], unique=False
    )
    op.create_index("ix_party_cover_party_org_id", "party_cover", ["party_org_id"], unique=False)
    op.create_index(
        "uq_party_cover_living",
        "party_cover",
        ["organization_id"],
        unique=True,
        sqlite_where=sa.text("until IS NULL"),
        postgresql_where=sa.text("until IS NULL"),
    )
    op.create_table(
        "party_file",
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("route", sa.String(length=24), nullable=False),
        sa.Column("responsible_agency_id", sa.BigInteger(), nullable=True),
        sa.Column("responsible_name", sa.String(length=120), nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("grid_code", sa.String(length=20), nullable=False),
        sa.Column("leadership_in_charter", sa.Boolean(), nullable=False),
        sa.Column("values_in_charter", sa.Boolean(), nullable=False),
        sa.Column("community_in_charter", sa.Boolean(), nullable=False),
        sa.Column("charter_on", sa.Date(), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_party_file_organization_id"
        ),
        sa.ForeignKeyConstraint(
            ["responsible_agency_id"], ["agency.id"], name="fk_party_file_responsible_agency_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_party_file"),
        sa.UniqueConstraint("organization_id", name="uq_party_file_organization_id"),
    )
    op.create_index(
        "ix_party_file_responsible_agency_id", "party_file", ["responsible_agency_id"], unique=False
    )
    op.create_table(
        "party_member",
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("home_unit", sa.String(length=120), nullable=False),
        sa.Column("grid_code", sa.String(length=20), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("until >= since", name="ck_party_member_dates_order"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_party_member_organization_id"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_party_member_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_party_member"),
    )
    op.create_index(
        "ix_party_member_organization_id_id", "party_member", ["organization_id", "id"], unique=False
    )
    op.create_index("ix_party_member_person_id", "party_member", ["person_id"], unique=False)
    op.create_index(
        "uq_party_member_living",
        "party_member",
        ["organization_id", "person_id"],
        unique=True,
        sqlite_where=sa.text("until IS NULL"),
        postgresql_where=sa.text("until IS NULL"),
    )
    op.create_table(
        "party_post",
        sa.Column("worker_id", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("post", sa.String(length=16), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("until >= since", name="ck_party_post_dates_order"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_party_post_organization_id"
        ),
        sa.ForeignKeyConstraint(["worker_id"], ["party_worker.id"], name="fk_party_post_worker_id"),
        sa.PrimaryKeyConstraint("id", name="pk_party_post"),
    )
    op.create_index("ix_party_post_organization_id_id", "party_post", ["organization_id", "id"], unique=False)
    op.create_index("ix_party_post_worker_id", "party_post", ["worker_id"], unique=False)
    op.create_index(
        "uq_party_post_living",
        "party_post",
        ["worker_id", "organization_id", "post"],
        unique=True,
        sqlite_where=sa.text("until IS NULL"),
        postgresql_where=sa.text("until IS NULL"),
    )
    op.create_table(
        "party_step",
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("scheme", sa.String(length=8), nullable=False),
        sa.Column("step", sa.String(length=16), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=False),
        sa.Column("officer", sa.String(length=60), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("scheme IN ('five', 'three')", name="ck_party_step_known_scheme"),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name="fk_party_step_file_id"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_party_step_organization_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_party_step"),
        sa.UniqueConstraint(
            "organization_id", "scheme", "step", "year", name="uq_party_step_organization_id_scheme_step_year"
        ),
    )
    op.create_table(
        "space_booking",
        sa.Column("space_id", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("slot", sa.String(length=16), nullable=False),
        sa.Column("purpose", sa.String(length=200), nullable=False),
        sa.Column("booked_by", sa.BigInteger(), nullable=False),
        sa.Column("cancelled_on", sa.Date(), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.ForeignKeyConstraint(["booked_by"], ["user_account.id"], name="fk_space_booking_booked_by"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_space_booking_organization_id"
        ),
        sa.ForeignKeyConstraint(["space_id"], ["incubator_space.id"], name="fk_space_booking_space_id"),
        sa.PrimaryKeyConstraint("id", name="pk_space_booking"),
    )
    op.create_index("ix_space_booking_organization_id", "space_booking", ["organization_id"], unique=False)
    op.create_index("ix_space_booking_space_id_day", "space_booking", ["space_id", "day"], unique=False)
    op.create_index(
        "uq_space_booking_booked",
        "space_booking",
        ["space_id", "day", "slot"],
        unique=True,
        sqlite_where=sa.text("cancelled_on IS NULL"),
        postgresql_where=sa.text("cancelled_on IS NULL"),
    )
    op.create_table(
        "credit_proposal",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("finding", sa.JSON(), nullable=False),
        sa.Column("grounds", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("proposed_by", sa.BigInteger(), nullable=False),
        sa.Column("proposed_on", sa.Date(), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("entry_id", sa.BigInteger(), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> proposed_by", name="ck_credit_proposal_two_people"
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_credit_proposal_agency_id"),
        sa.ForeignKeyConstraint(["decided_by"], ["user_account.id"], name="fk_credit_proposal_decided_by"),
        sa.ForeignKeyConstraint(["entry_id"], ["credit_entry.id"], name="fk_credit_proposal_entry_id"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_credit_proposal_organization_id"
        ),
        sa.ForeignKeyConstraint(["proposed_by"], ["user_account.id"], name="fk_credit_proposal_proposed_by"),
        sa.PrimaryKeyConstraint("id", name="pk_credit_proposal"),
    )
    op.create_index(
        "ix_credit_proposal_agency_id_state_id", "credit_proposal", ["agency_id", "state", "id"], unique=False
    )
    op.create_index(
        "uq_credit_proposal_waiting",
        "credit_proposal",
        ["organization_id", "kind"],
        unique=True,
        sqlite_where=sa.text("state = 'proposed'"),
        postgresql_where=sa.text("state = 'proposed'"),
    )
    op.create_table(
        "credit_removal",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("applied_by", sa.BigInteger(), nullable=False),
        sa.Column("applied_on", sa.Date(), nullable=False),
        sa.Column("examined_by", sa.BigInteger(), nullable=True),
        sa.Column("examined_on", sa.Date(), nullable=True),
        sa.Column("opinion", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint(
            "decided_by IS NULL OR (decided_by <> examined_by AND decided_by <> applied_by)",
            name="ck_credit_removal_two_people",
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_credit_removal_agency_id"),
        sa.ForeignKeyConstraint(["applied_by"], ["user_account.id"], name="fk_credit_removal_applied_by"),
        sa.ForeignKeyConstraint(["decided_by"], ["user_account.id"], name="fk_credit_removal_decided_by"),
        sa.ForeignKeyConstraint(["entry_id"], ["credit_entry.id"], name="fk_credit_removal_entry_id"),
        sa.ForeignKeyConstraint(["examined_by"], ["user_account.id"], name="fk_credit_removal_examined_by"),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name="fk_credit_removal_file_id"),
        sa.PrimaryKeyConstraint("id", name="pk_credit_removal"),
    )
    op.create_index(
        "ix_credit_removal_agency_id_state_id", "credit_removal", ["agency_id", "state", "id"], unique=False
    )
    op.create_index(
        "uq_credit_removal_alive",
        "credit_removal",
        ["entry_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('applied', 'examined')"),
        postgresql_where=sa.text("state IN ('applied', 'examined')"),
    )
    op.create_table(
        "party_activity_file",
        sa.Column("activity_id", sa.BigInteger(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["party_activity.id"], name="fk_party_activity_file_activity_id"
        ),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name="fk_party_activity_file_file_id"),
        sa.PrimaryKeyConstraint("id", name="pk_party_activity_file"),
    )
    op.create_index(
        "ix_party_activity_file_activity_id", "party_activity_file", ["activity_id"], unique=False
    )
    op.add_column(
        "credit_entry", sa.Column("penalty", sa.String(length=16), server_default="", nullable=False)
    )
    op.add_column("credit_entry", sa.Column("fine", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_credit_entry_kind", "credit_entry", ["kind", "removed_on", "entered_on", "id"], unique=False
    )
    op.create_index(
        "uq_credit_entry_open_period",
        "credit_entry",
        ["organization_id", "kind"],
        unique=True,
        sqlite_where=sa.text(
            "removed_on IS NULL AND kind IN ('abnormal_list', 'dishonesty_list', 'zombie_list')"
        ),
        postgresql_where=sa.text(
            "removed_on IS NULL AND kind IN ('abnormal_list', 'dishonesty_list', 'zombie_list')"
        ),
    )
    op.create_index(
        "ix_party_facts_should_form",
        "party_facts",
        ["organization_id"],
        unique=False,
        sqlite_where=sa.text("full_members >= 3 AND party_org_kind = 'none'"),
        postgresql_where=sa.text("full_members >= 3 AND party_org_kind = 'none'"),
    )
    _periods_never_overlap()


def _periods_never_overlap():
    """Of one organization and one list: PostgreSQL excludes it, SQLite refuses it by trigger."""
    if op.get_bind().dialect.name == "postgresql":
        for kind in LISTS:
            op.execute(
                f"ALTER TABLE credit_entry ADD CONSTRAINT ex_credit_entry_{kind} EXCLUDE USING gist"
                " (int8range(organization_id, organization_id, '[]') WITH &&,"
                f" daterange(entered_on, removed_on, '[)') WITH &&) WHERE (kind = '{kind}')"
            )
        return
    kinds = ", ".join(f"'{kind}'" for kind in LISTS)
    for name, act in (
        ("insert", "INSERT"),
        ("update", "UPDATE OF organization_id, kind, entered_on, removed_on"),
    ):
        op.execute(
            f"CREATE TRIGGER credit_entry_periods_{name} BEFORE {act} ON credit_entry"
            f" WHEN NEW.kind IN ({kinds}) AND (NEW.removed_on IS NULL OR NEW.removed_on > NEW.entered_on)"
            " AND EXISTS (SELECT 1 FROM credit_entry other WHERE other.organization_id = NEW.organization_id"
            " AND other.kind = NEW.kind AND other.id IS NOT NEW.id"
            " AND (other.removed_on IS NULL OR other.removed_on > other.entered_on)"
            " AND (other.removed_on IS NULL OR NEW.entered_on < other.removed_on)"
            " AND (NEW.removed_on IS NULL OR other.entered_on < NEW.removed_on))"
            " BEGIN SELECT RAISE(ABORT, 'credit_entry: two periods of one list overlap'); END"
        )


def downgrade():
    op.drop_index("ix_party_facts_should_form", "party_facts")
    if op.get_bind().dialect.name == "postgresql":
        for kind in LISTS:
            op.execute(f"ALTER TABLE credit_entry DROP CONSTRAINT ex_credit_entry_{kind}")
    else:
        for name in ("insert", "update"):
            op.execute(f"DROP TRIGGER credit_entry_periods_{name}")
    op.drop_index("uq_credit_entry_open_period", "credit_entry")
    op.drop_index("ix_credit_entry_kind", "credit_entry")
    op.drop_column("credit_entry", "penalty")
    op.drop_column("credit_entry", "fine")
    for table in (
        "party_activity_file",
        "credit_removal",
        "credit_proposal",
        "space_booking",
        "party_step",
        "party_post",
        "party_member",
        "party_file",
        "party_cover",
        "party_check_item",
        "party_activity",
        "member_survey",
        "incubator_operator",
        "incubation_service",
        "hosted_stay",
        "adverse_record",
        "party_paper",
        "party_check",
        "incubator_space",
        "party_worker",
        "party_org",
        "incubator",
        "coverage_target",
    ):
        op.drop_table(table)
