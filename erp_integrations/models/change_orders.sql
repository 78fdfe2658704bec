-- Rules of ERP Integrations for the models in commitments/models.py.

-- CommitmentChangeOrder: ERP status transitions, the same as in erp_integrations/workflow/erp_statuses.py. A
-- relink goes to the record of the last link only.
CREATE OR REPLACE FUNCTION erp_integrations_erp_status_walks() RETURNS trigger LANGUAGE plpgsql AS $$
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
        ('FAILED_TO_EXPORT', 'SYNCED'),
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
CREATE OR REPLACE TRIGGER erp_status_walks_in
    BEFORE INSERT ON commitments_commitmentchangeorder
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_erp_status_walks();
CREATE OR REPLACE TRIGGER erp_status_walks
    BEFORE UPDATE OF erp_status ON commitments_commitmentchangeorder FOR EACH ROW
    WHEN (OLD.erp_status IS DISTINCT FROM NEW.erp_status)
    EXECUTE FUNCTION erp_integrations_erp_status_walks();

-- CommitmentChangeOrder: Synced if and only if it has exactly one active link. Checked when the transaction
-- commits.
CREATE OR REPLACE FUNCTION erp_integrations_synced_means_linked() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    subject bigint;
    status text;
    linked boolean;
BEGIN
    IF TG_TABLE_NAME = 'commitments_commitmentchangeorder' THEN
        subject := NEW.id;
    ELSE
        subject := COALESCE(NEW.change_order_id, OLD.change_order_id);
    END IF;
    SELECT erp_status INTO status FROM commitments_commitmentchangeorder WHERE id = subject;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    linked := EXISTS (
        SELECT FROM erp_integrations_changeorderlink WHERE change_order_id = subject AND unlinked_at IS NULL
    );
    IF linked IS DISTINCT FROM (status = 'SYNCED') THEN
        RAISE EXCEPTION 'change order % is % but % an active link', subject, status,
            CASE WHEN linked THEN 'has' ELSE 'has not' END
            USING ERRCODE = 'check_violation', CONSTRAINT = 'synced_means_one_active_link';
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS synced_means_one_active_link ON commitments_commitmentchangeorder;
CREATE CONSTRAINT TRIGGER synced_means_one_active_link
    AFTER INSERT OR UPDATE ON commitments_commitmentchangeorder DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_synced_means_linked();
DROP TRIGGER IF EXISTS synced_means_one_active_link ON erp_integrations_changeorderlink;
CREATE CONSTRAINT TRIGGER synced_means_one_active_link
    AFTER INSERT OR UPDATE ON erp_integrations_changeorderlink DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_synced_means_linked();

-- CommitmentChangeOrder: never deleted while it is Synced: by a page, the admin or SQL.
CREATE OR REPLACE FUNCTION erp_integrations_synced_is_not_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a synced change order is not deleted: unlink it first'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'synced_is_not_deleted';
END $$;
CREATE OR REPLACE TRIGGER synced_is_not_deleted
    BEFORE DELETE ON commitments_commitmentchangeorder FOR EACH ROW
    WHEN (OLD.erp_status = 'SYNCED')
    EXECUTE FUNCTION erp_integrations_synced_is_not_deleted();

-- CommitmentChangeOrder: never moves to another commitment while it is Synced.
CREATE OR REPLACE FUNCTION erp_integrations_synced_stays_in_commitment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a synced change order stays in its commitment'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'synced_stays_in_commitment';
END $$;
CREATE OR REPLACE TRIGGER synced_stays_in_commitment
    BEFORE UPDATE OF commitment_id ON commitments_commitmentchangeorder FOR EACH ROW
    WHEN (OLD.erp_status = 'SYNCED' AND OLD.commitment_id IS DISTINCT FROM NEW.commitment_id)
    EXECUTE FUNCTION erp_integrations_synced_stays_in_commitment();

-- Commitment: keeps project, vendor and kind while it or one of its change orders has an active link. A linked
-- commitment is that subcontract in Sage: same job, same vendor.
CREATE OR REPLACE FUNCTION erp_integrations_linked_commitment_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM erp_integrations_changeorderlink link
        JOIN commitments_commitmentchangeorder co ON co.id = link.change_order_id
        WHERE co.commitment_id = NEW.id AND link.unlinked_at IS NULL
    ) OR EXISTS (
        SELECT FROM erp_integrations_commitmentlink
        WHERE commitment_id = NEW.id AND unlinked_at IS NULL
    ) THEN
        RAISE EXCEPTION 'a commitment with a synced change order keeps its project, contract company and kind'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'linked_commitment_stays';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER linked_commitment_stays
    BEFORE UPDATE OF project_id, vendor_id, kind ON commitments_commitment FOR EACH ROW
    WHEN ((OLD.project_id, OLD.vendor_id, OLD.kind) IS DISTINCT FROM (NEW.project_id, NEW.vendor_id, NEW.kind))
    EXECUTE FUNCTION erp_integrations_linked_commitment_stays();

-- Commitment: keeps number and status while it has an active link: Sage holds both.
CREATE OR REPLACE FUNCTION erp_integrations_linked_commitment_keeps_its_record()
    RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM erp_integrations_commitmentlink
        WHERE commitment_id = NEW.id AND unlinked_at IS NULL
    ) THEN
        RAISE EXCEPTION 'a linked commitment keeps its number and status'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'linked_commitment_keeps_its_record';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER linked_commitment_keeps_its_record
    BEFORE UPDATE OF number, status ON commitments_commitment FOR EACH ROW
    WHEN ((OLD.number, OLD.status) IS DISTINCT FROM (NEW.number, NEW.status))
    EXECUTE FUNCTION erp_integrations_linked_commitment_keeps_its_record();

-- CommitmentLine: keeps amount, cost code and cost type, and is not deleted, while Sage holds it: while its
-- line link belongs to an active link.
CREATE OR REPLACE FUNCTION erp_integrations_linked_line_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM erp_integrations_commitmentlinelink line_link
        JOIN erp_integrations_commitmentlink link ON link.id = line_link.link_id
        WHERE line_link.commitment_line_id = OLD.id AND link.unlinked_at IS NULL
    ) THEN
        RAISE EXCEPTION 'a line that Sage holds keeps its amount, cost code and cost type'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'linked_line_stays';
    END IF;
    RETURN COALESCE(NEW, OLD);
END $$;
CREATE OR REPLACE TRIGGER linked_line_stays
    BEFORE UPDATE OF commitment_id, amount, cost_code_id, cost_type_id ON commitments_commitmentline
    FOR EACH ROW
    WHEN ((OLD.commitment_id, OLD.amount, OLD.cost_code_id, OLD.cost_type_id)
          IS DISTINCT FROM (NEW.commitment_id, NEW.amount, NEW.cost_code_id, NEW.cost_type_id))
    EXECUTE FUNCTION erp_integrations_linked_line_stays();
CREATE OR REPLACE TRIGGER linked_line_is_not_deleted
    BEFORE DELETE ON commitments_commitmentline
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_linked_line_stays();
