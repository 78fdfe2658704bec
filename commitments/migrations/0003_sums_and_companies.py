"""A CCO's amount is the sum of its lines, and everything of a commitment belongs to one company."""

from django.db import migrations

SUMS = """
CREATE FUNCTION commitments_lines_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE commitments_commitmentchangeorder co SET amount = co.amount + change.amount
    FROM (SELECT change_order_id, sum(amount) AS amount FROM added GROUP BY 1) change
    WHERE co.id = change.change_order_id AND change.amount <> 0;
    RETURN NULL;
END $$;
CREATE FUNCTION commitments_lines_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE commitments_commitmentchangeorder co SET amount = co.amount - change.amount
    FROM (SELECT change_order_id, sum(amount) AS amount FROM removed GROUP BY 1) change
    WHERE co.id = change.change_order_id AND change.amount <> 0;
    RETURN NULL;
END $$;
CREATE FUNCTION commitments_lines_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE commitments_commitmentchangeorder co SET amount = co.amount + change.amount
    FROM (SELECT change_order_id, sum(amount) AS amount
          FROM (SELECT change_order_id, amount FROM added
                UNION ALL SELECT change_order_id, -amount FROM removed) both_sides
          GROUP BY 1) change
    WHERE co.id = change.change_order_id AND change.amount <> 0;
    RETURN NULL;
END $$;
CREATE TRIGGER change_order_amount_after_insert AFTER INSERT ON commitments_changeorderline
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION commitments_lines_added();
CREATE TRIGGER change_order_amount_after_delete AFTER DELETE ON commitments_changeorderline
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION commitments_lines_removed();
CREATE TRIGGER change_order_amount_after_update AFTER UPDATE ON commitments_changeorderline
    REFERENCING NEW TABLE AS added OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION commitments_lines_changed();

-- Nobody but those triggers writes the amount. They run one level deeper than any other writer.
CREATE FUNCTION commitments_amount_is_the_sum() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1
       AND NEW.amount IS DISTINCT FROM (CASE TG_OP WHEN 'INSERT' THEN 0 ELSE OLD.amount END) THEN
        RAISE EXCEPTION 'the amount of a change order is the sum of its lines'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'change_order_amount_is_the_sum';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER change_order_amount_is_the_sum
    BEFORE INSERT OR UPDATE OF amount ON commitments_commitmentchangeorder
    FOR EACH ROW EXECUTE FUNCTION commitments_amount_is_the_sum();
"""

SUMS_BACK = """
DROP TRIGGER change_order_amount_is_the_sum ON commitments_commitmentchangeorder;
DROP TRIGGER change_order_amount_after_update ON commitments_changeorderline;
DROP TRIGGER change_order_amount_after_delete ON commitments_changeorderline;
DROP TRIGGER change_order_amount_after_insert ON commitments_changeorderline;
DROP FUNCTION commitments_amount_is_the_sum();
DROP FUNCTION commitments_lines_changed();
DROP FUNCTION commitments_lines_removed();
DROP FUNCTION commitments_lines_added();
"""

COMPANIES = """
CREATE FUNCTION commitments_commitment_same_company() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT company_id FROM companies_project WHERE id = NEW.project_id)
       IS DISTINCT FROM (SELECT company_id FROM commitments_vendor WHERE id = NEW.vendor_id) THEN
        RAISE EXCEPTION 'the contract company belongs to another company than the project'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'commitment_same_company';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER commitment_same_company
    BEFORE INSERT OR UPDATE OF project_id, vendor_id ON commitments_commitment
    FOR EACH ROW EXECUTE FUNCTION commitments_commitment_same_company();

CREATE FUNCTION commitments_line_same_commitment() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER change_order_line_same_commitment
    BEFORE INSERT OR UPDATE OF change_order_id, commitment_line_id ON commitments_changeorderline
    FOR EACH ROW EXECUTE FUNCTION commitments_line_same_commitment();

CREATE TRIGGER vendor_company_is_for_good
    BEFORE UPDATE OF company_id ON commitments_vendor FOR EACH ROW
    WHEN (OLD.company_id IS DISTINCT FROM NEW.company_id)
    EXECUTE FUNCTION companies_company_is_for_good('vendor');
"""

COMPANIES_BACK = """
DROP TRIGGER vendor_company_is_for_good ON commitments_vendor;
DROP TRIGGER change_order_line_same_commitment ON commitments_changeorderline;
DROP FUNCTION commitments_line_same_commitment();
DROP TRIGGER commitment_same_company ON commitments_commitment;
DROP FUNCTION commitments_commitment_same_company();
"""


class Migration(migrations.Migration):
    dependencies = [("commitments", "0002_initial"), ("companies", "0002_same_company")]
    operations = [
        migrations.RunSQL(SUMS, SUMS_BACK),
        migrations.RunSQL(COMPANIES, COMPANIES_BACK),
    ]
