"""What accounting holds stays as it is, and the change history is never rewritten."""

from django.db import migrations

HISTORY = """
CREATE FUNCTION commitments_history_is_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the change history is never changed, deleted or truncated'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'history_is_for_good';
END $$;
CREATE TRIGGER history_is_for_good BEFORE UPDATE OR DELETE ON commitments_historyentry
    FOR EACH ROW EXECUTE FUNCTION commitments_history_is_for_good();
CREATE TRIGGER history_is_not_truncated BEFORE TRUNCATE ON commitments_historyentry
    FOR EACH STATEMENT EXECUTE FUNCTION commitments_history_is_for_good();
"""

HISTORY_BACK = """
DROP TRIGGER history_is_not_truncated ON commitments_historyentry;
DROP TRIGGER history_is_for_good ON commitments_historyentry;
DROP FUNCTION commitments_history_is_for_good();
"""

LOCKS = """
-- What a change order of this ERP status lets go: its ERP status always; when it is synced, the description,
-- which is never compared with the ERP's, and the count of edits that goes with it. NULL: all of it is free.
CREATE FUNCTION commitments_free_while(erp_status text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN erp_status IN ('NOT_IN_ERP', 'REJECTED') THEN NULL
        WHEN erp_status = 'SYNCED' THEN ARRAY['erp_status', 'description', 'revision']
        ELSE ARRAY['erp_status']
    END
$$;

CREATE FUNCTION commitments_what_accounting_holds_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    free text[] := commitments_free_while(OLD.erp_status);
BEGIN
    IF free IS NOT NULL AND (TG_OP = 'DELETE' OR (to_jsonb(NEW) - free) <> (to_jsonb(OLD) - free)) THEN
        RAISE EXCEPTION 'change order % is locked while it is %', OLD.id, OLD.erp_status
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'what_accounting_holds_stays';
    END IF;
    RETURN COALESCE(NEW, OLD);
END $$;
CREATE TRIGGER what_accounting_holds_stays BEFORE UPDATE OR DELETE ON commitments_commitmentchangeorder
    FOR EACH ROW EXECUTE FUNCTION commitments_what_accounting_holds_stays();

-- Takes the lock of the change order before it looks: a line and a step to accounting come one after the other.
CREATE FUNCTION commitments_what_accounting_holds_keeps_its_lines() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owner bigint;
    owners bigint[];
    status text;
BEGIN
    owners := CASE TG_OP
        WHEN 'INSERT' THEN ARRAY[NEW.change_order_id]
        WHEN 'DELETE' THEN ARRAY[OLD.change_order_id]
        ELSE ARRAY[LEAST(OLD.change_order_id, NEW.change_order_id),
                   GREATEST(OLD.change_order_id, NEW.change_order_id)]
    END;
    FOREACH owner IN ARRAY owners LOOP
        SELECT erp_status INTO status FROM commitments_commitmentchangeorder WHERE id = owner
        FOR NO KEY UPDATE;
        IF commitments_free_while(status) IS NOT NULL THEN
            RAISE EXCEPTION 'the lines of change order % are locked while it is %', owner, status
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'what_accounting_holds_keeps_its_lines';
        END IF;
    END LOOP;
    RETURN COALESCE(NEW, OLD);
END $$;
CREATE TRIGGER what_accounting_holds_keeps_its_lines
    BEFORE INSERT OR UPDATE OR DELETE ON commitments_changeorderline
    FOR EACH ROW EXECUTE FUNCTION commitments_what_accounting_holds_keeps_its_lines();

-- A commitment cannot be deleted while it has change orders: their foreign keys see to that.
CREATE FUNCTION commitments_what_accounting_holds_keeps_its_commitment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Waits for whoever is taking a step with one of them, then looks again.
    PERFORM FROM commitments_commitmentchangeorder WHERE commitment_id = NEW.id FOR SHARE;
    PERFORM FROM commitments_commitmentchangeorder
    WHERE commitment_id = NEW.id AND commitments_free_while(erp_status) IS NOT NULL;
    IF FOUND THEN
        RAISE EXCEPTION 'a commitment keeps project, contract company and kind while accounting holds a change order of it'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'what_accounting_holds_keeps_its_commitment';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER what_accounting_holds_keeps_its_commitment
    BEFORE UPDATE OF project_id, vendor_id, kind ON commitments_commitment FOR EACH ROW
    WHEN ((OLD.project_id, OLD.vendor_id, OLD.kind) IS DISTINCT FROM (NEW.project_id, NEW.vendor_id, NEW.kind))
    EXECUTE FUNCTION commitments_what_accounting_holds_keeps_its_commitment();
"""

LOCKS_BACK = """
DROP TRIGGER what_accounting_holds_keeps_its_commitment ON commitments_commitment;
DROP FUNCTION commitments_what_accounting_holds_keeps_its_commitment();
DROP TRIGGER what_accounting_holds_keeps_its_lines ON commitments_changeorderline;
DROP FUNCTION commitments_what_accounting_holds_keeps_its_lines();
DROP TRIGGER what_accounting_holds_stays ON commitments_commitmentchangeorder;
DROP FUNCTION commitments_what_accounting_holds_stays();
DROP FUNCTION commitments_free_while(text);
"""


class Migration(migrations.Migration):
    dependencies = [("commitments", "0004_who_when_and_history")]
    operations = [
        migrations.RunSQL(HISTORY, HISTORY_BACK),
        migrations.RunSQL(LOCKS, LOCKS_BACK),
    ]
