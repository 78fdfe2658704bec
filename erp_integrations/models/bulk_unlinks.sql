-- Rules that a Django constraint cannot state, for the models in bulk_unlinks.py.

-- BulkUnlinkItem: ends once, and never changes afterwards; never deleted.
CREATE OR REPLACE FUNCTION erp_integrations_bulk_item_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.ended_at IS NOT NULL
       OR (NEW.bulk_id, NEW.link_id, NEW.change_order_id)
          IS DISTINCT FROM (OLD.bulk_id, OLD.link_id, OLD.change_order_id)
       OR NEW.tries < OLD.tries THEN
        RAISE EXCEPTION 'an item of a bulk unlink ends once and never changes afterwards'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'bulk_item_ends_once';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER bulk_item_ends_once BEFORE UPDATE OR DELETE ON erp_integrations_bulkunlinkitem
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_bulk_item_ends_once();

-- BulkUnlinkItem: UNLINKED only with an attempt of its own that ended its link.
CREATE OR REPLACE FUNCTION erp_integrations_bulk_item_has_proof() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM erp_integrations_unlinkattempt attempt
        WHERE attempt.bulk_item_id = NEW.id AND attempt.link_id = NEW.link_id AND attempt.state = 'UNLINKED'
    ) THEN
        RAISE EXCEPTION 'an item is unlinked only with an attempt of its own'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'bulk_item_has_proof';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER bulk_item_has_proof BEFORE INSERT OR UPDATE ON erp_integrations_bulkunlinkitem
    FOR EACH ROW WHEN (NEW.state = 'UNLINKED') EXECUTE FUNCTION erp_integrations_bulk_item_has_proof();
