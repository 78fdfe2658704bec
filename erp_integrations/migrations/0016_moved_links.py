"""A link may end without proof only where the CCO's link is moved to another record."""

import django.db.models.deletion
from django.db import migrations, models

MOVED = """
-- A link ends with an attempt that found, twice, that the record is gone; or it is moved: a link of the same
-- change order and connection takes its place in the same transaction.
CREATE OR REPLACE FUNCTION erp_integrations_link_ends_with_proof() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM erp_integrations_unlinkattempt attempt
        WHERE attempt.link_id = NEW.id AND attempt.state = 'UNLINKED' AND attempt.ended_at = NEW.unlinked_at
    ) AND NOT EXISTS (
        SELECT FROM erp_integrations_changeorderlink successor
        WHERE successor.moved_from_id = NEW.id
          AND successor.change_order_id = NEW.change_order_id
          AND successor.connection_id = NEW.connection_id
          AND successor.linked_at = NEW.unlinked_at
    ) THEN
        RAISE EXCEPTION 'a link ends only with an attempt that proved the record gone, or is moved'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'change_order_link_ends_with_proof';
    END IF;
    RETURN NULL;
END $$;

-- The link that takes its place: of the same change order and connection, to another record, at the very
-- moment, and not after an unlink.
CREATE FUNCTION erp_integrations_link_moves_well() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM erp_integrations_changeorderlink former
        WHERE former.id = NEW.moved_from_id
          AND former.change_order_id = NEW.change_order_id
          AND former.connection_id = NEW.connection_id
          AND former.unlinked_at = NEW.linked_at
          AND (former.row_id, former.subcontract_record_number)
              IS DISTINCT FROM (NEW.row_id, NEW.subcontract_record_number)
    ) OR EXISTS (
        SELECT FROM erp_integrations_unlinkattempt attempt
        WHERE attempt.link_id = NEW.moved_from_id AND attempt.state IN ('UNLINKED', 'CHECKING')
    ) THEN
        RAISE EXCEPTION 'a link is moved from the link of the same change order that ends at that moment'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'change_order_link_moves_well';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER change_order_link_moves_well BEFORE INSERT ON erp_integrations_changeorderlink
    FOR EACH ROW WHEN (NEW.moved_from_id IS NOT NULL)
    EXECUTE FUNCTION erp_integrations_link_moves_well();

CREATE FUNCTION erp_integrations_link_keeps_origin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'where a link was moved from never changes'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'link_is_history';
END $$;
CREATE TRIGGER change_order_link_keeps_origin
    BEFORE UPDATE OF moved_from_id ON erp_integrations_changeorderlink FOR EACH ROW
    WHEN (OLD.moved_from_id IS DISTINCT FROM NEW.moved_from_id)
    EXECUTE FUNCTION erp_integrations_link_keeps_origin();
"""

MOVED_BACK = """
DROP TRIGGER change_order_link_keeps_origin ON erp_integrations_changeorderlink;
DROP FUNCTION erp_integrations_link_keeps_origin();
DROP TRIGGER change_order_link_moves_well ON erp_integrations_changeorderlink;
DROP FUNCTION erp_integrations_link_moves_well();
CREATE OR REPLACE FUNCTION erp_integrations_link_ends_with_proof() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM erp_integrations_unlinkattempt attempt
        WHERE attempt.link_id = NEW.id AND attempt.state = 'UNLINKED' AND attempt.ended_at = NEW.unlinked_at
    ) THEN
        RAISE EXCEPTION 'a link ends only with an attempt that proved the record gone'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'change_order_link_ends_with_proof';
    END IF;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("erp_integrations", "0015_last_failure_code"),
    ]
    operations = [
        migrations.RemoveConstraint(
            model_name="linkevent",
            name="event_kind_known",
        ),
        migrations.AddField(
            model_name="changeorderlink",
            name="moved_from",
            field=models.OneToOneField(
                editable=False,
                help_text="The link that ended when this CCO's link was moved to this record.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="moved_to",
                to="erp_integrations.changeorderlink",
            ),
        ),
        migrations.AlterField(
            model_name="linkevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("SENT", "Sent to ERP"),
                    ("RETRIEVED", "Retrieved by the project team"),
                    ("REJECTED", "Rejected by accounting"),
                    ("ACCEPTED", "Accepted for export"),
                    ("EXPORT_FAILED", "Export failed"),
                    ("EXPORT_RETRIED", "Export tried again"),
                    ("LINKED", "Linked"),
                    ("RELINKED", "Relinked: the same record is back"),
                    ("LINK_MOVED", "Link moved to another record"),
                    ("UNLINKED", "Unlinked"),
                    ("STILL_IN_ERP", "Unlink refused: still in Sage"),
                    ("NO_ANSWER", "Unlink not decided: no trustworthy answer"),
                    ("NOT_ALLOWED", "Unlink not decided: rights lost meanwhile"),
                    ("ATTEMPT_FREED", "Stuck attempt freed by support"),
                    ("PRESENCE_CHANGED", "Change noticed in Sage"),
                    ("CHECKED", "Checked in Sage"),
                    ("BULK_UNLINK_STARTED", "Bulk unlink started"),
                    ("BULK_UNLINK_CANCELLED", "Bulk unlink cancelled"),
                    ("CONNECTION_SET", "Connection set"),
                    ("CONNECTION_CHECKED", "Connection checked"),
                    ("RECORD_IGNORED", "Sage record ignored"),
                    ("RECORD_NOT_IGNORED", "Sage record no longer ignored"),
                    ("DELETION_STATED", "Deletion in Sage stated"),
                    ("DELETION_CONFIRMED", "Deletion in Sage confirmed"),
                    ("DELETION_WITHDRAWN", "Stated deletion withdrawn"),
                    ("DELETION_ENDED", "Stated deletion ended: a record is in Sage"),
                    ("INCARNATION_COMPARED", "Other database compared"),
                    ("INCARNATION_ACCEPTED", "Database accepted"),
                    ("RECONCILE_SET", "Reconciliation set"),
                    ("RECONCILE_REFUSED", "Reconciliation not believed"),
                ],
                max_length=30,
            ),
        ),
        migrations.AddConstraint(
            model_name="linkevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "SENT",
                            "RETRIEVED",
                            "REJECTED",
                            "ACCEPTED",
                            "EXPORT_FAILED",
                            "EXPORT_RETRIED",
                            "LINKED",
                            "RELINKED",
                            "LINK_MOVED",
                            "UNLINKED",
                            "STILL_IN_ERP",
                            "NO_ANSWER",
                            "NOT_ALLOWED",
                            "ATTEMPT_FREED",
                            "PRESENCE_CHANGED",
                            "CHECKED",
                            "BULK_UNLINK_STARTED",
                            "BULK_UNLINK_CANCELLED",
                            "CONNECTION_SET",
                            "CONNECTION_CHECKED",
                            "RECORD_IGNORED",
                            "RECORD_NOT_IGNORED",
                            "DELETION_STATED",
                            "DELETION_CONFIRMED",
                            "DELETION_WITHDRAWN",
                            "DELETION_ENDED",
                            "INCARNATION_COMPARED",
                            "INCARNATION_ACCEPTED",
                            "RECONCILE_SET",
                            "RECONCILE_REFUSED",
                        ],
                    )
                ),
                name="event_kind_known",
            ),
        ),
        migrations.RunSQL(MOVED, MOVED_BACK),
    ]
