-- Rules that a Django constraint cannot state, for the models in models.py.

-- Vendor: it never moves to another company.
CREATE OR REPLACE TRIGGER vendor_company_is_for_good
    BEFORE UPDATE OF company_id ON commitments_vendor FOR EACH ROW
    WHEN (OLD.company_id IS DISTINCT FROM NEW.company_id)
    EXECUTE FUNCTION companies_company_is_for_good('vendor');

-- Vendor, Commitment, CommitmentChangeOrder: numbers as companies/text.py cleans them, so that two that look alike
-- are the same to the constraints that keep them unique.
CREATE OR REPLACE FUNCTION commitments_is_clean_number(number text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT number = btrim(normalize(number, NFKC))
        AND number !~ E'[\\u0001-\\u001f\\u007f-\\u00a0\\u00ad\\u200b-\\u202f\\u2060-\\u206f\\u2010-\\u2015\\u2212\\ufeff]'
        AND number !~ '  '
$$;
ALTER TABLE commitments_vendor
    DROP CONSTRAINT IF EXISTS vendor_number_is_clean,
    ADD CONSTRAINT vendor_number_is_clean CHECK (commitments_is_clean_number(number));
ALTER TABLE commitments_commitment
    DROP CONSTRAINT IF EXISTS commitment_number_is_clean,
    ADD CONSTRAINT commitment_number_is_clean CHECK (commitments_is_clean_number(number));
ALTER TABLE commitments_commitmentchangeorder
    DROP CONSTRAINT IF EXISTS change_order_number_is_clean,
    ADD CONSTRAINT change_order_number_is_clean CHECK (commitments_is_clean_number(number));

-- CostCode: one spelling. Sage holds cost codes as decimal(15,3).
ALTER TABLE commitments_costcode
    DROP CONSTRAINT IF EXISTS cost_code_has_one_spelling,
    ADD CONSTRAINT cost_code_has_one_spelling CHECK (
        commitments_is_clean_number(code) AND code !~ '^[0-9]+(\.[0-9]{0,2})?$' AND code !~ '^0[0-9]+\.[0-9]+$'
    );

-- Commitment: its vendor belongs to the company of its project.
CREATE OR REPLACE FUNCTION commitments_commitment_same_company() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT company_id FROM companies_project WHERE id = NEW.project_id)
       IS DISTINCT FROM (SELECT company_id FROM commitments_vendor WHERE id = NEW.vendor_id) THEN
        RAISE EXCEPTION 'the contract company belongs to another company than the project'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'commitment_same_company';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER commitment_same_company
    BEFORE INSERT OR UPDATE OF project_id, vendor_id ON commitments_commitment
    FOR EACH ROW EXECUTE FUNCTION commitments_commitment_same_company();

-- ChangeOrderLine: its commitment line belongs to the commitment of its change order.
CREATE OR REPLACE FUNCTION commitments_line_same_commitment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.commitment_line_id IS NOT NULL AND
       (SELECT commitment_id FROM commitments_commitmentchangeorder WHERE id = NEW.change_order_id)
       IS DISTINCT FROM
       (SELECT commitment_id FROM commitments_commitmentline WHERE id = NEW.commitment_line_id) THEN
        RAISE EXCEPTION 'the line belongs to another commitment than the change order'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'change_order_line_same_commitment';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER change_order_line_same_commitment
    BEFORE INSERT OR UPDATE OF change_order_id, commitment_line_id ON commitments_changeorderline
    FOR EACH ROW EXECUTE FUNCTION commitments_line_same_commitment();

-- CommitmentChangeOrder: `amount` is the sum of the lines, kept by statement triggers on the lines.
CREATE OR REPLACE FUNCTION commitments_lines_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE commitments_commitmentchangeorder co SET amount = co.amount + change.amount
    FROM (SELECT change_order_id, sum(amount) AS amount FROM added GROUP BY 1) change
    WHERE co.id = change.change_order_id AND change.amount <> 0;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION commitments_lines_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE commitments_commitmentchangeorder co SET amount = co.amount - change.amount
    FROM (SELECT change_order_id, sum(amount) AS amount FROM removed GROUP BY 1) change
    WHERE co.id = change.change_order_id AND change.amount <> 0;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION commitments_lines_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE commitments_commitmentchangeorder co SET amount = co.amount + change.amount
    FROM (SELECT change_order_id, sum(amount) AS amount
          FROM (SELECT change_order_id, amount FROM added
                UNION ALL SELECT change_order_id, -amount FROM removed) both_sides
          GROUP BY 1) change
    WHERE co.id = change.change_order_id AND change.amount <> 0;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER change_order_amount_after_insert AFTER INSERT ON commitments_changeorderline
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION commitments_lines_added();
CREATE OR REPLACE TRIGGER change_order_amount_after_delete AFTER DELETE ON commitments_changeorderline
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION commitments_lines_removed();
CREATE OR REPLACE TRIGGER change_order_amount_after_update AFTER UPDATE ON commitments_changeorderline
    REFERENCING NEW TABLE AS added OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION commitments_lines_changed();

-- CommitmentChangeOrder: only those triggers write `amount`. They run one level deeper than any other writer.
CREATE OR REPLACE FUNCTION commitments_amount_is_the_sum() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1
       AND NEW.amount IS DISTINCT FROM (CASE TG_OP WHEN 'INSERT' THEN 0 ELSE OLD.amount END) THEN
        RAISE EXCEPTION 'the amount of a change order is the sum of its lines'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'change_order_amount_is_the_sum';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER change_order_amount_is_the_sum
    BEFORE INSERT OR UPDATE OF amount ON commitments_commitmentchangeorder
    FOR EACH ROW EXECUTE FUNCTION commitments_amount_is_the_sum();

-- CommitmentChangeOrder: the columns that stay editable in an ERP status; NULL: all. While it is Synced, these
-- are the description, which is never compared with the ERP's, and the count of edits that goes with it.
CREATE OR REPLACE FUNCTION commitments_free_while(erp_status text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN erp_status IN ('NOT_IN_ERP', 'REJECTED') THEN NULL
        WHEN erp_status = 'SYNCED' THEN ARRAY['erp_status', 'description', 'revision']
        ELSE ARRAY['erp_status']
    END
$$;

-- CommitmentChangeOrder: never changes while accounting holds it, but for those columns.
CREATE OR REPLACE FUNCTION commitments_what_accounting_holds_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    free text[] := commitments_free_while(OLD.erp_status);
BEGIN
    IF free IS NOT NULL AND (TG_OP = 'DELETE' OR (to_jsonb(NEW) - free) <> (to_jsonb(OLD) - free)) THEN
        RAISE EXCEPTION 'change order % is locked while it is %', OLD.id, OLD.erp_status
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'what_accounting_holds_stays';
    END IF;
    RETURN COALESCE(NEW, OLD);
END $$;
CREATE OR REPLACE TRIGGER what_accounting_holds_stays
    BEFORE UPDATE OR DELETE ON commitments_commitmentchangeorder
    FOR EACH ROW EXECUTE FUNCTION commitments_what_accounting_holds_stays();

-- ChangeOrderLine: never changes while accounting holds its change order. That row is locked before its status
-- is read, so that a changed line and an ERP status transition come one after the other.
CREATE OR REPLACE FUNCTION commitments_what_accounting_holds_keeps_its_lines()
    RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE OR REPLACE TRIGGER what_accounting_holds_keeps_its_lines
    BEFORE INSERT OR UPDATE OR DELETE ON commitments_changeorderline
    FOR EACH ROW EXECUTE FUNCTION commitments_what_accounting_holds_keeps_its_lines();

-- Commitment: keeps project, vendor and kind while accounting holds one of its change orders. It cannot be
-- deleted while it has any: their foreign keys refuse that.
CREATE OR REPLACE FUNCTION commitments_what_accounting_holds_keeps_its_commitment()
    RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Waits for transactions that change one of them, then reads what they committed.
    PERFORM FROM commitments_commitmentchangeorder WHERE commitment_id = NEW.id FOR SHARE;
    PERFORM FROM commitments_commitmentchangeorder
    WHERE commitment_id = NEW.id AND commitments_free_while(erp_status) IS NOT NULL;
    IF FOUND THEN
        RAISE EXCEPTION
            'a commitment keeps project, contract company and kind while accounting holds a change order of it'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'what_accounting_holds_keeps_its_commitment';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER what_accounting_holds_keeps_its_commitment
    BEFORE UPDATE OF project_id, vendor_id, kind ON commitments_commitment FOR EACH ROW
    WHEN ((OLD.project_id, OLD.vendor_id, OLD.kind) IS DISTINCT FROM (NEW.project_id, NEW.vendor_id, NEW.kind))
    EXECUTE FUNCTION commitments_what_accounting_holds_keeps_its_commitment();

-- HistoryEntry: append only.
CREATE OR REPLACE FUNCTION commitments_history_is_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the change history is never changed, deleted or truncated'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'history_is_for_good';
END $$;
CREATE OR REPLACE TRIGGER history_is_for_good BEFORE UPDATE OR DELETE ON commitments_historyentry
    FOR EACH ROW EXECUTE FUNCTION commitments_history_is_for_good();
CREATE OR REPLACE TRIGGER history_is_not_truncated BEFORE TRUNCATE ON commitments_historyentry
    FOR EACH STATEMENT EXECUTE FUNCTION commitments_history_is_for_good();
