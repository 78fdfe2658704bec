-- Rules that a Django constraint cannot state, for the models in events.py.

-- LinkEvent: append only.
CREATE OR REPLACE FUNCTION erp_integrations_event_is_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an event is never changed, deleted or truncated'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'event_is_for_good';
END $$;
CREATE OR REPLACE TRIGGER event_is_for_good BEFORE UPDATE OR DELETE ON erp_integrations_linkevent
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_event_is_for_good();
CREATE OR REPLACE TRIGGER event_is_not_truncated BEFORE TRUNCATE ON erp_integrations_linkevent
    FOR EACH STATEMENT EXECUTE FUNCTION erp_integrations_event_is_for_good();
