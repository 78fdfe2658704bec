-- Rules that a Django constraint cannot state, for the models in confirmed_deletions.py.

-- ConfirmedDeletion: what was stated never changes; it is confirmed once and ends once.
CREATE OR REPLACE FUNCTION erp_integrations_confirmed_deletion_is_history()
    RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' OR OLD.ended_at IS NOT NULL
       OR (NEW.connection_id, NEW.incarnation, NEW.reason, NEW.stated_at, NEW.stated_by_id, NEW.stated_by_name)
          IS DISTINCT FROM
          (OLD.connection_id, OLD.incarnation, OLD.reason, OLD.stated_at, OLD.stated_by_id, OLD.stated_by_name)
       OR (OLD.confirmed_at IS NOT NULL
           AND (NEW.told_at, NEW.confirmed_at, NEW.confirmed_by_id, NEW.confirmed_by_name, NEW.ends_at)
               IS DISTINCT FROM
               (OLD.told_at, OLD.confirmed_at, OLD.confirmed_by_id, OLD.confirmed_by_name, OLD.ends_at)) THEN
        RAISE EXCEPTION 'what was stated and confirmed never changes, and a statement ends once'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'confirmed_deletion_is_history';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER confirmed_deletion_is_history
    BEFORE UPDATE OR DELETE ON erp_integrations_confirmeddeletion
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_confirmed_deletion_is_history();
CREATE OR REPLACE TRIGGER confirmed_deletion_is_not_truncated
    BEFORE TRUNCATE ON erp_integrations_confirmeddeletion
    FOR EACH STATEMENT EXECUTE FUNCTION erp_integrations_confirmed_deletion_is_history();

-- ConfirmedDeletion: begins unconfirmed, so that a second person confirms what is already written down.
CREATE OR REPLACE FUNCTION erp_integrations_confirmed_deletion_begins_unconfirmed()
    RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a statement begins unconfirmed'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'confirmed_deletion_begins_unconfirmed';
END $$;
CREATE OR REPLACE TRIGGER confirmed_deletion_begins_unconfirmed
    BEFORE INSERT ON erp_integrations_confirmeddeletion
    FOR EACH ROW WHEN (NEW.confirmed_at IS NOT NULL OR NEW.ended_at IS NOT NULL)
    EXECUTE FUNCTION erp_integrations_confirmed_deletion_begins_unconfirmed();

-- ConfirmedDeletionRecord: names a record of an active link of the same connection, as that link does. Added
-- only before the statement is confirmed, and never changed.
CREATE OR REPLACE FUNCTION erp_integrations_confirmed_deletion_names_its_records()
    RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        RAISE EXCEPTION 'the records that a statement names never change'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'confirmed_deletion_record_is_history';
    END IF;
    IF NOT EXISTS (
        SELECT FROM erp_integrations_confirmeddeletion deletion
        JOIN erp_integrations_changeorderlink link ON link.connection_id = deletion.connection_id
        WHERE deletion.id = NEW.deletion_id AND deletion.confirmed_at IS NULL AND deletion.ended_at IS NULL
          AND link.id = NEW.link_id AND link.unlinked_at IS NULL
          AND (link.row_id, link.record_number) = (NEW.row_id, NEW.record_number)
    ) THEN
        RAISE EXCEPTION 'an unconfirmed statement names records of active links of its connection'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'confirmed_deletion_names_its_records';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER confirmed_deletion_names_its_records
    BEFORE INSERT OR UPDATE OR DELETE ON erp_integrations_confirmeddeletionrecord
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_confirmed_deletion_names_its_records();
CREATE OR REPLACE TRIGGER confirmed_deletion_record_is_not_truncated
    BEFORE TRUNCATE ON erp_integrations_confirmeddeletionrecord
    FOR EACH STATEMENT EXECUTE FUNCTION erp_integrations_confirmed_deletion_names_its_records();
