-- Rules that a Django constraint cannot state, for the models in reconcile_runs.py.

-- ReconcileRun: ends once, and never changes afterwards.
CREATE OR REPLACE FUNCTION erp_integrations_reconcile_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'RUNNING'
       OR (NEW.connection_id, NEW.started_at, NEW.actor_name, NEW.via, NEW.connection_revision)
          IS DISTINCT FROM
          (OLD.connection_id, OLD.started_at, OLD.actor_name, OLD.via, OLD.connection_revision) THEN
        RAISE EXCEPTION 'a reconciliation ends once and never changes afterwards'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'reconcile_ends_once';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER reconcile_ends_once BEFORE UPDATE ON erp_integrations_reconcilerun
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_reconcile_ends_once();
