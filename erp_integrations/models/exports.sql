-- Rules that a Django constraint cannot state, for the models in exports.py.

-- Export: deleting its change order in SQL empties the foreign key of ended exports. The locks of the change
-- order refuse it while an export is open.
ALTER TABLE erp_integrations_export
    DROP CONSTRAINT IF EXISTS export_subject,
    ADD CONSTRAINT export_subject FOREIGN KEY (change_order_id)
        REFERENCES commitments_commitmentchangeorder (id) ON DELETE SET NULL;

-- Export: never deleted or truncated; who sent it never changes, nor what was accepted, nor how it ended.
CREATE OR REPLACE FUNCTION erp_integrations_export_is_history() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE OR REPLACE TRIGGER export_is_history BEFORE UPDATE OR DELETE ON erp_integrations_export
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_export_is_history();
CREATE OR REPLACE TRIGGER export_is_not_truncated BEFORE TRUNCATE ON erp_integrations_export
    FOR EACH STATEMENT EXECUTE FUNCTION erp_integrations_export_is_history();

-- Export: an open one belongs to a change order that accounting holds. Checked when the transaction commits.
CREATE OR REPLACE FUNCTION erp_integrations_open_export_is_held() RETURNS trigger LANGUAGE plpgsql AS $$
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
DROP TRIGGER IF EXISTS open_export_is_held ON erp_integrations_export;
CREATE CONSTRAINT TRIGGER open_export_is_held
    AFTER INSERT OR UPDATE ON erp_integrations_export DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_open_export_is_held();
DROP TRIGGER IF EXISTS open_export_is_held ON commitments_commitmentchangeorder;
CREATE CONSTRAINT TRIGGER open_export_is_held
    AFTER UPDATE ON commitments_commitmentchangeorder DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_open_export_is_held();
