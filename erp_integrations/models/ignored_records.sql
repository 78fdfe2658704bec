-- Rules that a Django constraint cannot state, for the models in ignored_records.py.

-- IgnoredRecord: ends once; never changed, deleted or truncated.
CREATE OR REPLACE FUNCTION erp_integrations_ignored_record_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' OR OLD.ended_at IS NOT NULL
       OR (NEW.connection_id, NEW.row_id, NEW.record_number, NEW.reason, NEW.ignored_at, NEW.ignored_by_id,
           NEW.ignored_by_name)
          IS DISTINCT FROM
          (OLD.connection_id, OLD.row_id, OLD.record_number, OLD.reason, OLD.ignored_at, OLD.ignored_by_id,
           OLD.ignored_by_name) THEN
        RAISE EXCEPTION 'an ignored record ends once, and is never changed or deleted'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ignored_record_ends_once';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER ignored_record_ends_once BEFORE UPDATE OR DELETE ON erp_integrations_ignoredrecord
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_ignored_record_ends_once();
CREATE OR REPLACE TRIGGER ignored_record_is_not_truncated BEFORE TRUNCATE ON erp_integrations_ignoredrecord
    FOR EACH STATEMENT EXECUTE FUNCTION erp_integrations_ignored_record_ends_once();
