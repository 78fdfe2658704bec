-- Rules that a Django constraint cannot state, for the models in links.py.

-- Every link: when SQL deletes its subject, a closed link's foreign key is emptied, and an active link refuses
-- it by its constraint …_active_has_subject. Django's own foreign keys could only refuse both.
ALTER TABLE erp_integrations_joblink
    DROP CONSTRAINT IF EXISTS job_link_subject,
    ADD CONSTRAINT job_link_subject FOREIGN KEY (project_id)
        REFERENCES companies_project (id) ON DELETE SET NULL;
ALTER TABLE erp_integrations_commitmentlink
    DROP CONSTRAINT IF EXISTS commitment_link_subject,
    ADD CONSTRAINT commitment_link_subject FOREIGN KEY (commitment_id)
        REFERENCES commitments_commitment (id) ON DELETE SET NULL;
ALTER TABLE erp_integrations_vendorlink
    DROP CONSTRAINT IF EXISTS vendor_link_subject,
    ADD CONSTRAINT vendor_link_subject FOREIGN KEY (vendor_id)
        REFERENCES commitments_vendor (id) ON DELETE SET NULL;
ALTER TABLE erp_integrations_changeorderlink
    DROP CONSTRAINT IF EXISTS change_order_link_subject,
    ADD CONSTRAINT change_order_link_subject FOREIGN KEY (change_order_id)
        REFERENCES commitments_commitmentchangeorder (id) ON DELETE SET NULL;

-- Every link: never deleted; what names the record never changes, and nothing does after its end.
CREATE OR REPLACE FUNCTION erp_integrations_link_is_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a link is ended, never deleted'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'link_is_history';
    END IF;
    -- Of a closed link, only the foreign key to its subject may be emptied. Generated columns have no value
    -- yet before an update.
    IF (NEW.connection_id, NEW.row_id, NEW.record_number, NEW.linked_at, NEW.linked_by_name)
       IS DISTINCT FROM
       (OLD.connection_id, OLD.row_id, OLD.record_number, OLD.linked_at, OLD.linked_by_name)
       OR (OLD.unlinked_at IS NOT NULL
           AND (to_jsonb(NEW) - ARRAY['project_id', 'commitment_id', 'change_order_id', 'vendor_id',
                                      'record_order', 'search_text', 'erp_number_order'])
               IS DISTINCT FROM
               (to_jsonb(OLD) - ARRAY['project_id', 'commitment_id', 'change_order_id', 'vendor_id',
                                      'record_order', 'search_text', 'erp_number_order']))
    THEN
        RAISE EXCEPTION 'what a link was tied to, and when it ended, never changes'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'link_is_history';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER job_link_is_history BEFORE UPDATE OR DELETE ON erp_integrations_joblink
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_link_is_history();
CREATE OR REPLACE TRIGGER commitment_link_is_history
    BEFORE UPDATE OR DELETE ON erp_integrations_commitmentlink
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_link_is_history();
CREATE OR REPLACE TRIGGER vendor_link_is_history BEFORE UPDATE OR DELETE ON erp_integrations_vendorlink
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_link_is_history();
CREATE OR REPLACE TRIGGER change_order_link_is_history
    BEFORE UPDATE OR DELETE ON erp_integrations_changeorderlink
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_link_is_history();

-- Every link: never truncated. attempts.sql uses this too.
CREATE OR REPLACE FUNCTION erp_integrations_is_not_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'links and attempts are never truncated'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE OR REPLACE TRIGGER job_link_is_not_truncated BEFORE TRUNCATE ON erp_integrations_joblink
    FOR EACH STATEMENT EXECUTE FUNCTION erp_integrations_is_not_truncated();
CREATE OR REPLACE TRIGGER commitment_link_is_not_truncated BEFORE TRUNCATE ON erp_integrations_commitmentlink
    FOR EACH STATEMENT EXECUTE FUNCTION erp_integrations_is_not_truncated();
CREATE OR REPLACE TRIGGER vendor_link_is_not_truncated BEFORE TRUNCATE ON erp_integrations_vendorlink
    FOR EACH STATEMENT EXECUTE FUNCTION erp_integrations_is_not_truncated();
CREATE OR REPLACE TRIGGER change_order_link_is_not_truncated
    BEFORE TRUNCATE ON erp_integrations_changeorderlink
    FOR EACH STATEMENT EXECUTE FUNCTION erp_integrations_is_not_truncated();

-- ChangeOrderLink: begins active, in the company of its connection, for a change order of a subcontract.
CREATE OR REPLACE FUNCTION erp_integrations_link_begins_well() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    subject_company bigint;
    subject_kind text;
BEGIN
    IF NEW.unlinked_at IS NOT NULL THEN
        RAISE EXCEPTION 'a link begins active'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'link_begins_active';
    END IF;
    SELECT project.company_id, commitment.kind INTO subject_company, subject_kind
    FROM commitments_commitmentchangeorder co
    JOIN commitments_commitment commitment ON commitment.id = co.commitment_id
    JOIN companies_project project ON project.id = commitment.project_id
    WHERE co.id = NEW.change_order_id;
    IF subject_company IS DISTINCT FROM
       (SELECT company_id FROM erp_integrations_connection WHERE id = NEW.connection_id) THEN
        RAISE EXCEPTION 'the change order belongs to another company than the connection'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'change_order_link_same_company';
    END IF;
    IF subject_kind IS DISTINCT FROM 'SUBCONTRACT' THEN
        RAISE EXCEPTION 'a change order of a purchase order is never linked'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'change_order_link_of_subcontract';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER change_order_link_begins_well BEFORE INSERT ON erp_integrations_changeorderlink
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_link_begins_well();

-- ChangeOrderLink: copies the amount of its change order, which is locked from then on.
CREATE OR REPLACE FUNCTION erp_integrations_link_keeps_amount() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT amount INTO NEW.cco_amount FROM commitments_commitmentchangeorder WHERE id = NEW.change_order_id;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER change_order_link_keeps_amount BEFORE INSERT ON erp_integrations_changeorderlink
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_link_keeps_amount();

-- ChangeOrderLink: never changes to another change order; a closed one may let go of it.
CREATE OR REPLACE FUNCTION erp_integrations_link_keeps_subject() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.change_order_id IS NOT NULL OR OLD.unlinked_at IS NULL THEN
        RAISE EXCEPTION 'an active link keeps its change order, and no link changes it for another'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'change_order_link_active_has_subject';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER change_order_link_keeps_subject
    BEFORE UPDATE OF change_order_id ON erp_integrations_changeorderlink FOR EACH ROW
    WHEN (OLD.change_order_id IS DISTINCT FROM NEW.change_order_id)
    EXECUTE FUNCTION erp_integrations_link_keeps_subject();

-- ChangeOrderLink: ends with an attempt that found the record absent twice, or is moved: a link of the same
-- change order and connection replaces it in the same transaction. Checked when the transaction commits.
CREATE OR REPLACE FUNCTION erp_integrations_link_ends_with_proof() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM erp_integrations_unlinkattempt attempt
        WHERE attempt.link_id = NEW.id AND attempt.state = 'UNLINKED' AND attempt.ended_at = NEW.unlinked_at
    ) AND NOT EXISTS (
        SELECT FROM erp_integrations_changeorderlink successor
        WHERE successor.moved_from_id = NEW.id
          AND successor.change_order_id = NEW.change_order_id
          AND successor.connection_id = NEW.connection_id
          AND successor.linked_at = NEW.unlinked_at
    ) THEN
        RAISE EXCEPTION 'a link ends only with an attempt that proved the record gone, or is moved'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'change_order_link_ends_with_proof';
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS change_order_link_ends_with_proof ON erp_integrations_changeorderlink;
CREATE CONSTRAINT TRIGGER change_order_link_ends_with_proof
    AFTER UPDATE ON erp_integrations_changeorderlink DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.unlinked_at IS NULL AND NEW.unlinked_at IS NOT NULL)
    EXECUTE FUNCTION erp_integrations_link_ends_with_proof();

-- ChangeOrderLink: one that replaces another is of the same change order and connection, to another record,
-- begins when the other ends, and never after an unlink.
CREATE OR REPLACE FUNCTION erp_integrations_link_moves_well() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM erp_integrations_changeorderlink former
        WHERE former.id = NEW.moved_from_id
          AND former.change_order_id = NEW.change_order_id
          AND former.connection_id = NEW.connection_id
          AND former.unlinked_at = NEW.linked_at
          AND (former.row_id, former.subcontract_record_number)
              IS DISTINCT FROM (NEW.row_id, NEW.subcontract_record_number)
    ) OR EXISTS (
        SELECT FROM erp_integrations_unlinkattempt attempt
        WHERE attempt.link_id = NEW.moved_from_id AND attempt.state IN ('UNLINKED', 'CHECKING')
    ) THEN
        RAISE EXCEPTION 'a link is moved from the link of the same change order that ends at that moment'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'change_order_link_moves_well';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER change_order_link_moves_well BEFORE INSERT ON erp_integrations_changeorderlink
    FOR EACH ROW WHEN (NEW.moved_from_id IS NOT NULL)
    EXECUTE FUNCTION erp_integrations_link_moves_well();

-- ChangeOrderLink: `moved_from` never changes.
CREATE OR REPLACE FUNCTION erp_integrations_link_keeps_origin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'where a link was moved from never changes'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'link_is_history';
END $$;
CREATE OR REPLACE TRIGGER change_order_link_keeps_origin
    BEFORE UPDATE OF moved_from_id ON erp_integrations_changeorderlink FOR EACH ROW
    WHEN (OLD.moved_from_id IS DISTINCT FROM NEW.moved_from_id)
    EXECUTE FUNCTION erp_integrations_link_keeps_origin();

-- CommitmentLineLink: of a line of the link's own commitment, made while the link is active. The line is locked
-- first, so that a change of it and its line link come one after the other.
ALTER TABLE erp_integrations_commitmentlinelink
    DROP CONSTRAINT IF EXISTS line_link_subject,
    ADD CONSTRAINT line_link_subject FOREIGN KEY (commitment_line_id)
        REFERENCES commitments_commitmentline (id) ON DELETE SET NULL;
CREATE OR REPLACE FUNCTION erp_integrations_line_link_begins_well() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM commitments_commitmentline line
    JOIN erp_integrations_commitmentlink link ON link.commitment_id = line.commitment_id
    WHERE line.id = NEW.commitment_line_id AND link.id = NEW.link_id AND link.unlinked_at IS NULL
    FOR SHARE OF line;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a line link is of a line of the commitment that is linked'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'line_link_begins_well';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER line_link_begins_well BEFORE INSERT ON erp_integrations_commitmentlinelink
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_line_link_begins_well();

-- CommitmentLineLink: never deleted, truncated or changed; a closed link's may let go of a line that is deleted.
CREATE OR REPLACE FUNCTION erp_integrations_line_link_is_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.commitment_line_id IS NULL
       AND to_jsonb(NEW) - 'commitment_line_id' = to_jsonb(OLD) - 'commitment_line_id'
       AND EXISTS (
           SELECT FROM erp_integrations_commitmentlink WHERE id = OLD.link_id AND unlinked_at IS NOT NULL
       )
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'what a line was tied to never changes'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'line_link_is_history';
END $$;
CREATE OR REPLACE TRIGGER line_link_is_history BEFORE UPDATE OR DELETE ON erp_integrations_commitmentlinelink
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_line_link_is_history();
CREATE OR REPLACE TRIGGER line_link_is_not_truncated BEFORE TRUNCATE ON erp_integrations_commitmentlinelink
    FOR EACH STATEMENT EXECUTE FUNCTION erp_integrations_is_not_truncated();

-- JobLink, VendorLink: one ends only when no commitment or change order under its project or vendor is linked.
-- The connection is locked first, as by every operation that links something.
CREATE OR REPLACE FUNCTION erp_integrations_link_ends_unused() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    project bigint := to_jsonb(OLD) ->> 'project_id';
    vendor bigint := to_jsonb(OLD) ->> 'vendor_id';
BEGIN
    PERFORM FROM erp_integrations_connection WHERE id = OLD.connection_id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT FROM erp_integrations_commitmentlink link
        JOIN commitments_commitment commitment ON commitment.id = link.commitment_id
        WHERE link.unlinked_at IS NULL AND (commitment.project_id = project OR commitment.vendor_id = vendor)
    ) OR EXISTS (
        SELECT FROM erp_integrations_changeorderlink link
        JOIN commitments_commitmentchangeorder co ON co.id = link.change_order_id
        JOIN commitments_commitment commitment ON commitment.id = co.commitment_id
        WHERE link.unlinked_at IS NULL AND (commitment.project_id = project OR commitment.vendor_id = vendor)
    ) THEN
        RAISE EXCEPTION 'a link ends after the links of what is under it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'link_ends_unused';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER job_link_ends_unused BEFORE UPDATE OF unlinked_at ON erp_integrations_joblink
    FOR EACH ROW WHEN (OLD.unlinked_at IS NULL AND NEW.unlinked_at IS NOT NULL)
    EXECUTE FUNCTION erp_integrations_link_ends_unused();
CREATE OR REPLACE TRIGGER vendor_link_ends_unused BEFORE UPDATE OF unlinked_at ON erp_integrations_vendorlink
    FOR EACH ROW WHEN (OLD.unlinked_at IS NULL AND NEW.unlinked_at IS NOT NULL)
    EXECUTE FUNCTION erp_integrations_link_ends_unused();

-- CommitmentLink: one is taken back only when no change order of its commitment is linked, being exported, or was
-- linked since the link was made.
CREATE OR REPLACE FUNCTION erp_integrations_commitment_link_ends_unused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM erp_integrations_connection WHERE id = OLD.connection_id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT FROM commitments_commitmentchangeorder co
        WHERE co.commitment_id = OLD.commitment_id
          AND co.erp_status IN ('EXPORTING', 'FAILED_TO_EXPORT', 'SYNCED')
    ) OR EXISTS (
        SELECT FROM erp_integrations_changeorderlink link
        JOIN commitments_commitmentchangeorder co ON co.id = link.change_order_id
        WHERE co.commitment_id = OLD.commitment_id AND link.linked_at >= OLD.linked_at
    ) THEN
        RAISE EXCEPTION 'a commitment''s link is taken back only while nothing was linked or exported under it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'commitment_link_ends_unused';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER commitment_link_ends_unused
    BEFORE UPDATE OF unlinked_at ON erp_integrations_commitmentlink
    FOR EACH ROW WHEN (OLD.unlinked_at IS NULL AND NEW.unlinked_at IS NOT NULL)
    EXECUTE FUNCTION erp_integrations_commitment_link_ends_unused();
