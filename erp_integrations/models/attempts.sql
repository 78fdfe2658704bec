-- Rules that a Django constraint cannot state, for the models in attempts.py.

-- UnlinkAttempt: ends once, and never changes afterwards; never deleted or truncated.
CREATE OR REPLACE FUNCTION erp_integrations_attempt_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state <> 'CHECKING'
       OR (NEW.link_id, NEW.started_at, NEW.expires_at, NEW.actor_id, NEW.connection_revision)
          IS DISTINCT FROM
          (OLD.link_id, OLD.started_at, OLD.expires_at, OLD.actor_id, OLD.connection_revision) THEN
        RAISE EXCEPTION 'an attempt ends once and never changes afterwards'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'attempt_ends_once';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER attempt_ends_once BEFORE UPDATE OR DELETE ON erp_integrations_unlinkattempt
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_attempt_ends_once();
CREATE OR REPLACE TRIGGER attempt_is_not_truncated BEFORE TRUNCATE ON erp_integrations_unlinkattempt
    FOR EACH STATEMENT EXECUTE FUNCTION erp_integrations_is_not_truncated();

-- UnlinkAttempt: one that is UNLINKED ends its link in the same transaction. Checked when that commits.
CREATE OR REPLACE FUNCTION erp_integrations_attempt_ends_its_link() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM erp_integrations_changeorderlink link
        WHERE link.id = NEW.link_id AND link.unlinked_at = NEW.ended_at
    ) THEN
        RAISE EXCEPTION 'an attempt that unlinks ends its link'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'attempt_ends_its_link';
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS attempt_ends_its_link ON erp_integrations_unlinkattempt;
CREATE CONSTRAINT TRIGGER attempt_ends_its_link
    AFTER INSERT OR UPDATE ON erp_integrations_unlinkattempt DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.state = 'UNLINKED')
    EXECUTE FUNCTION erp_integrations_attempt_ends_its_link();
