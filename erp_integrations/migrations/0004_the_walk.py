"""What the database refuses of a CCO's way through accounting, and of a vendor's link."""

from django.db import migrations

WALK = """
-- Nothing is possible but these. The table of erp_integrations.workflow.erp_statuses, as the database holds it.
CREATE FUNCTION erp_integrations_erp_status_walks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.erp_status <> 'NOT_IN_ERP' THEN
            RAISE EXCEPTION 'a change order begins outside the ERP'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'erp_status_walks';
        END IF;
        RETURN NEW;
    END IF;
    IF (OLD.erp_status, NEW.erp_status) NOT IN (VALUES
        ('NOT_IN_ERP', 'READY_TO_EXPORT'),
        ('READY_TO_EXPORT', 'NOT_IN_ERP'),
        ('READY_TO_EXPORT', 'REJECTED'),
        ('REJECTED', 'READY_TO_EXPORT'),
        ('READY_TO_EXPORT', 'EXPORTING'),
        ('READY_TO_EXPORT', 'SYNCED'),
        ('EXPORTING', 'SYNCED'),
        ('EXPORTING', 'FAILED_TO_EXPORT'),
        ('FAILED_TO_EXPORT', 'EXPORTING'),
        ('FAILED_TO_EXPORT', 'REJECTED'),
        ('EXPORTING', 'REJECTED'),
        ('SYNCED', 'NOT_IN_ERP'),
        ('NOT_IN_ERP', 'SYNCED')
    ) THEN
        RAISE EXCEPTION 'no way leads from % to %', OLD.erp_status, NEW.erp_status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'erp_status_walks';
    END IF;
    -- Relink: only to the very record that the CCO was tied to last.
    IF (OLD.erp_status, NEW.erp_status) = ('NOT_IN_ERP', 'SYNCED') AND NOT EXISTS (
        SELECT FROM erp_integrations_changeorderlink active
        WHERE active.change_order_id = NEW.id AND active.unlinked_at IS NULL
          AND (active.connection_id, active.row_id, active.subcontract_record_number) = (
              SELECT closed.connection_id, closed.row_id, closed.subcontract_record_number
              FROM erp_integrations_changeorderlink closed
              WHERE closed.change_order_id = NEW.id AND closed.unlinked_at IS NOT NULL
              ORDER BY closed.unlinked_at DESC, closed.id DESC LIMIT 1)
    ) THEN
        RAISE EXCEPTION 'a change order is relinked to the very record it was tied to before'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'relink_to_the_same_record';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER erp_status_walks_in
    BEFORE INSERT ON commitments_commitmentchangeorder
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_erp_status_walks();
CREATE TRIGGER erp_status_walks
    BEFORE UPDATE OF erp_status ON commitments_commitmentchangeorder FOR EACH ROW
    WHEN (OLD.erp_status IS DISTINCT FROM NEW.erp_status)
    EXECUTE FUNCTION erp_integrations_erp_status_walks();
"""

WALK_BACK = """
DROP TRIGGER erp_status_walks ON commitments_commitmentchangeorder;
DROP TRIGGER erp_status_walks_in ON commitments_commitmentchangeorder;
DROP FUNCTION erp_integrations_erp_status_walks();
"""

EXPORTS = """
-- A raw DELETE of a CCO lets its ended rounds go; an open one is refused by the CCO's own locks.
ALTER TABLE erp_integrations_export ADD CONSTRAINT export_subject
    FOREIGN KEY (change_order_id) REFERENCES commitments_commitmentchangeorder (id) ON DELETE SET NULL;

CREATE FUNCTION erp_integrations_export_is_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION 'an export is ended, never deleted'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'export_is_history';
    END IF;
    -- Who sent it never changes; nor does what was signed off, and by whom, once it was.
    IF (NEW.connection_id, NEW.key, NEW.sent_at, NEW.sent_by_id, NEW.sent_by_name)
       IS DISTINCT FROM (OLD.connection_id, OLD.key, OLD.sent_at, OLD.sent_by_id, OLD.sent_by_name)
       OR (OLD.accepted_at IS NOT NULL
           AND (NEW.accepted_at, NEW.accepted_by_id, NEW.accepted_by_name, NEW.writer, NEW.by_hand,
                NEW.erp_number, NEW.job_record_number, NEW.draft, NEW.prepared)
               IS DISTINCT FROM
               (OLD.accepted_at, OLD.accepted_by_id, OLD.accepted_by_name, OLD.writer, OLD.by_hand,
                OLD.erp_number, OLD.job_record_number, OLD.draft, OLD.prepared))
       OR (OLD.ended_at IS NOT NULL
           AND (to_jsonb(NEW) - 'change_order_id') IS DISTINCT FROM (to_jsonb(OLD) - 'change_order_id'))
       OR (NEW.change_order_id IS DISTINCT FROM OLD.change_order_id
           AND (NEW.change_order_id IS NOT NULL OR OLD.ended_at IS NULL)) THEN
        RAISE EXCEPTION 'what an export was, and how it ended, never changes'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'export_is_history';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER export_is_history BEFORE UPDATE OR DELETE ON erp_integrations_export
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_export_is_history();
CREATE TRIGGER export_is_not_truncated BEFORE TRUNCATE ON erp_integrations_export
    FOR EACH STATEMENT EXECUTE FUNCTION erp_integrations_export_is_history();

-- An open round belongs to a CCO that accounting holds. Checked when a transaction commits.
CREATE FUNCTION erp_integrations_open_export_is_held() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    subject bigint;
BEGIN
    IF TG_TABLE_NAME = 'erp_integrations_export' THEN
        subject := NEW.change_order_id;
    ELSE
        subject := NEW.id;
    END IF;
    IF EXISTS (SELECT FROM erp_integrations_export WHERE change_order_id = subject AND ended_at IS NULL)
       AND (SELECT erp_status FROM commitments_commitmentchangeorder WHERE id = subject)
           NOT IN ('READY_TO_EXPORT', 'EXPORTING', 'FAILED_TO_EXPORT') THEN
        RAISE EXCEPTION 'an open export belongs to a change order that accounting holds'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'open_export_is_held';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER open_export_is_held
    AFTER INSERT OR UPDATE ON erp_integrations_export DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_open_export_is_held();
CREATE CONSTRAINT TRIGGER open_export_is_held
    AFTER UPDATE ON commitments_commitmentchangeorder DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_open_export_is_held();
"""

EXPORTS_BACK = """
DROP TRIGGER open_export_is_held ON commitments_commitmentchangeorder;
DROP TRIGGER open_export_is_held ON erp_integrations_export;
DROP FUNCTION erp_integrations_open_export_is_held();
DROP TRIGGER export_is_not_truncated ON erp_integrations_export;
DROP TRIGGER export_is_history ON erp_integrations_export;
DROP FUNCTION erp_integrations_export_is_history();
ALTER TABLE erp_integrations_export DROP CONSTRAINT export_subject;
"""

LET_GO = "ARRAY['project_id', 'commitment_id', 'change_order_id', 'vendor_id']"
LET_GO_BEFORE = "ARRAY['project_id', 'commitment_id', 'change_order_id']"
HISTORY = """
CREATE OR REPLACE FUNCTION erp_integrations_link_is_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a link is ended, never deleted'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'link_is_history';
    END IF;
    -- What names the record never changes; of a link that has ended nothing does, but that it lets go of a
    -- subject that is deleted.
    IF (NEW.connection_id, NEW.row_id, NEW.record_number, NEW.linked_at, NEW.linked_by_name)
       IS DISTINCT FROM
       (OLD.connection_id, OLD.row_id, OLD.record_number, OLD.linked_at, OLD.linked_by_name)
       OR (OLD.unlinked_at IS NOT NULL
           AND (to_jsonb(NEW) - {let_go}) IS DISTINCT FROM (to_jsonb(OLD) - {let_go}))
    THEN
        RAISE EXCEPTION 'what a link was tied to, and when it ended, never changes'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'link_is_history';
    END IF;
    RETURN NEW;
END $$;
"""

VENDORS = (
    HISTORY.format(let_go=LET_GO)
    + """
ALTER TABLE erp_integrations_vendorlink ADD CONSTRAINT vendor_link_subject
    FOREIGN KEY (vendor_id) REFERENCES commitments_vendor (id) ON DELETE SET NULL;
CREATE TRIGGER vendor_link_is_history BEFORE UPDATE OR DELETE ON erp_integrations_vendorlink
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_link_is_history();
CREATE TRIGGER vendor_link_is_not_truncated BEFORE TRUNCATE ON erp_integrations_vendorlink
    FOR EACH STATEMENT EXECUTE FUNCTION erp_integrations_is_not_truncated();
"""
)

# A commitment that is tied to its subcontract is that subcontract: same job, same vendor.
STAYS = """
CREATE OR REPLACE FUNCTION erp_integrations_linked_commitment_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM erp_integrations_changeorderlink link
        JOIN commitments_commitmentchangeorder co ON co.id = link.change_order_id
        WHERE co.commitment_id = NEW.id AND link.unlinked_at IS NULL
    ){or_itself} THEN
        RAISE EXCEPTION 'a commitment with a synced change order keeps its project, contract company and kind'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'linked_commitment_stays';
    END IF;
    RETURN NEW;
END $$;
"""
OR_ITSELF = """ OR EXISTS (
        SELECT FROM erp_integrations_commitmentlink
        WHERE commitment_id = NEW.id AND unlinked_at IS NULL
    )"""

VENDORS_BACK = """
DROP TRIGGER vendor_link_is_not_truncated ON erp_integrations_vendorlink;
DROP TRIGGER vendor_link_is_history ON erp_integrations_vendorlink;
ALTER TABLE erp_integrations_vendorlink DROP CONSTRAINT vendor_link_subject;
""" + HISTORY.format(let_go=LET_GO_BEFORE)


class Migration(migrations.Migration):
    dependencies = [("erp_integrations", "0003_exports")]
    operations = [
        migrations.RunSQL(WALK, WALK_BACK),
        migrations.RunSQL(EXPORTS, EXPORTS_BACK),
        migrations.RunSQL(VENDORS, VENDORS_BACK),
        migrations.RunSQL(STAYS.format(or_itself=OR_ITSELF), STAYS.format(or_itself="")),
    ]
