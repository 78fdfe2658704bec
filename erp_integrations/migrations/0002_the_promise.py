"""What the database refuses, however it is asked: the promise, below all Python."""

from django.db import migrations

# A raw DELETE of a subject empties the foreign key of its closed links; an active link refuses, by the
# constraint that every active link has its subject. Django's own foreign key could only refuse both.
SUBJECTS = [
    ("joblink", "project_id", "companies_project", "job_link"),
    ("commitmentlink", "commitment_id", "commitments_commitment", "commitment_link"),
    (
        "changeorderlink",
        "change_order_id",
        "commitments_commitmentchangeorder",
        "change_order_link",
    ),
]
FOREIGN_KEYS = "".join(
    f"ALTER TABLE erp_integrations_{table} ADD CONSTRAINT {prefix}_subject"
    f" FOREIGN KEY ({column}) REFERENCES {subject} (id) ON DELETE SET NULL;\n"
    for table, column, subject, prefix in SUBJECTS
)
FOREIGN_KEYS_BACK = "".join(
    f"ALTER TABLE erp_integrations_{table} DROP CONSTRAINT {prefix}_subject;\n"
    for table, _, _, prefix in SUBJECTS
)

LEDGER = """
CREATE FUNCTION erp_integrations_event_is_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an event is never changed, deleted or truncated'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'event_is_for_good';
END $$;
CREATE TRIGGER event_is_for_good BEFORE UPDATE OR DELETE ON erp_integrations_linkevent
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_event_is_for_good();
CREATE TRIGGER event_is_not_truncated BEFORE TRUNCATE ON erp_integrations_linkevent
    FOR EACH STATEMENT EXECUTE FUNCTION erp_integrations_event_is_for_good();
"""

LEDGER_BACK = """
DROP TRIGGER event_is_not_truncated ON erp_integrations_linkevent;
DROP TRIGGER event_is_for_good ON erp_integrations_linkevent;
DROP FUNCTION erp_integrations_event_is_for_good();
"""

ATTEMPTS = """
CREATE FUNCTION erp_integrations_attempt_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER attempt_ends_once BEFORE UPDATE OR DELETE ON erp_integrations_unlinkattempt
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_attempt_ends_once();
"""

ATTEMPTS_BACK = """
DROP TRIGGER attempt_ends_once ON erp_integrations_unlinkattempt;
DROP FUNCTION erp_integrations_attempt_ends_once();
"""

LINKS = """
CREATE FUNCTION erp_integrations_link_is_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a link is ended, never deleted'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'link_is_history';
    END IF;
    -- What names the record never changes; of a link that has ended nothing does, but that it lets go of a
    -- subject that is deleted.
    IF (NEW.connection_id, NEW.row_id, NEW.record_number, NEW.linked_at, NEW.linked_by_name)
       IS DISTINCT FROM
       (OLD.connection_id, OLD.row_id, OLD.record_number, OLD.linked_at, OLD.linked_by_name)
       OR (OLD.unlinked_at IS NOT NULL
           AND (to_jsonb(NEW) - ARRAY['project_id', 'commitment_id', 'change_order_id'])
               IS DISTINCT FROM (to_jsonb(OLD) - ARRAY['project_id', 'commitment_id', 'change_order_id']))
    THEN
        RAISE EXCEPTION 'what a link was tied to, and when it ended, never changes'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'link_is_history';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER job_link_is_history BEFORE UPDATE OR DELETE ON erp_integrations_joblink
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_link_is_history();
CREATE TRIGGER commitment_link_is_history BEFORE UPDATE OR DELETE ON erp_integrations_commitmentlink
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_link_is_history();
CREATE TRIGGER change_order_link_is_history BEFORE UPDATE OR DELETE ON erp_integrations_changeorderlink
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_link_is_history();

CREATE FUNCTION erp_integrations_is_not_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'links and attempts are never truncated'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE TRIGGER job_link_is_not_truncated BEFORE TRUNCATE ON erp_integrations_joblink
    FOR EACH STATEMENT EXECUTE FUNCTION erp_integrations_is_not_truncated();
CREATE TRIGGER commitment_link_is_not_truncated BEFORE TRUNCATE ON erp_integrations_commitmentlink
    FOR EACH STATEMENT EXECUTE FUNCTION erp_integrations_is_not_truncated();
CREATE TRIGGER change_order_link_is_not_truncated BEFORE TRUNCATE ON erp_integrations_changeorderlink
    FOR EACH STATEMENT EXECUTE FUNCTION erp_integrations_is_not_truncated();
CREATE TRIGGER attempt_is_not_truncated BEFORE TRUNCATE ON erp_integrations_unlinkattempt
    FOR EACH STATEMENT EXECUTE FUNCTION erp_integrations_is_not_truncated();

-- A link is made active, of the company's own record, and of a subcontract's change order only.
CREATE FUNCTION erp_integrations_link_begins_well() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER change_order_link_begins_well BEFORE INSERT ON erp_integrations_changeorderlink
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_link_begins_well();

-- A link's subject stays: it may only be let go of, once the link has ended.
CREATE FUNCTION erp_integrations_link_keeps_subject() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.change_order_id IS NOT NULL OR OLD.unlinked_at IS NULL THEN
        RAISE EXCEPTION 'an active link keeps its change order, and no link changes it for another'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'change_order_link_active_has_subject';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER change_order_link_keeps_subject
    BEFORE UPDATE OF change_order_id ON erp_integrations_changeorderlink FOR EACH ROW
    WHEN (OLD.change_order_id IS DISTINCT FROM NEW.change_order_id)
    EXECUTE FUNCTION erp_integrations_link_keeps_subject();

-- A link ends only with an attempt that found, twice, that the record is gone.
CREATE FUNCTION erp_integrations_link_ends_with_proof() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM erp_integrations_unlinkattempt attempt
        WHERE attempt.link_id = NEW.id AND attempt.state = 'UNLINKED' AND attempt.ended_at = NEW.unlinked_at
    ) THEN
        RAISE EXCEPTION 'a link ends only with an attempt that proved the record gone'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'change_order_link_ends_with_proof';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER change_order_link_ends_with_proof
    AFTER UPDATE ON erp_integrations_changeorderlink DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.unlinked_at IS NULL AND NEW.unlinked_at IS NOT NULL)
    EXECUTE FUNCTION erp_integrations_link_ends_with_proof();

-- And an attempt that unlinks does end its link, in the same transaction.
CREATE FUNCTION erp_integrations_attempt_ends_its_link() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE CONSTRAINT TRIGGER attempt_ends_its_link
    AFTER INSERT OR UPDATE ON erp_integrations_unlinkattempt DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.state = 'UNLINKED')
    EXECUTE FUNCTION erp_integrations_attempt_ends_its_link();

-- What a live link hangs on stays where it is.
CREATE FUNCTION erp_integrations_linked_commitment_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM erp_integrations_changeorderlink link
        JOIN commitments_commitmentchangeorder co ON co.id = link.change_order_id
        WHERE co.commitment_id = NEW.id AND link.unlinked_at IS NULL
    ) THEN
        RAISE EXCEPTION 'a commitment with a synced change order keeps its project, contract company and kind'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'linked_commitment_stays';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER linked_commitment_stays
    BEFORE UPDATE OF project_id, vendor_id, kind ON commitments_commitment FOR EACH ROW
    WHEN ((OLD.project_id, OLD.vendor_id, OLD.kind) IS DISTINCT FROM (NEW.project_id, NEW.vendor_id, NEW.kind))
    EXECUTE FUNCTION erp_integrations_linked_commitment_stays();

CREATE FUNCTION erp_integrations_synced_stays_in_commitment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a synced change order stays in its commitment'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'synced_stays_in_commitment';
END $$;
CREATE TRIGGER synced_stays_in_commitment
    BEFORE UPDATE OF commitment_id ON commitments_commitmentchangeorder FOR EACH ROW
    WHEN (OLD.erp_status = 'SYNCED' AND OLD.commitment_id IS DISTINCT FROM NEW.commitment_id)
    EXECUTE FUNCTION erp_integrations_synced_stays_in_commitment();
"""

LINKS_BACK = """
DROP TRIGGER synced_stays_in_commitment ON commitments_commitmentchangeorder;
DROP FUNCTION erp_integrations_synced_stays_in_commitment();
DROP TRIGGER linked_commitment_stays ON commitments_commitment;
DROP FUNCTION erp_integrations_linked_commitment_stays();
DROP TRIGGER attempt_ends_its_link ON erp_integrations_unlinkattempt;
DROP FUNCTION erp_integrations_attempt_ends_its_link();
DROP TRIGGER attempt_is_not_truncated ON erp_integrations_unlinkattempt;
DROP TRIGGER change_order_link_is_not_truncated ON erp_integrations_changeorderlink;
DROP TRIGGER commitment_link_is_not_truncated ON erp_integrations_commitmentlink;
DROP TRIGGER job_link_is_not_truncated ON erp_integrations_joblink;
DROP FUNCTION erp_integrations_is_not_truncated();
DROP TRIGGER change_order_link_ends_with_proof ON erp_integrations_changeorderlink;
DROP FUNCTION erp_integrations_link_ends_with_proof();
DROP TRIGGER change_order_link_keeps_subject ON erp_integrations_changeorderlink;
DROP FUNCTION erp_integrations_link_keeps_subject();
DROP TRIGGER change_order_link_begins_well ON erp_integrations_changeorderlink;
DROP FUNCTION erp_integrations_link_begins_well();
DROP TRIGGER change_order_link_is_history ON erp_integrations_changeorderlink;
DROP TRIGGER commitment_link_is_history ON erp_integrations_commitmentlink;
DROP TRIGGER job_link_is_history ON erp_integrations_joblink;
DROP FUNCTION erp_integrations_link_is_history();
"""

SYNCED = """
-- Synced and "has exactly one active link" are the same fact. Checked when a transaction commits.
CREATE FUNCTION erp_integrations_synced_means_linked() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE CONSTRAINT TRIGGER synced_means_one_active_link
    AFTER INSERT OR UPDATE ON commitments_commitmentchangeorder DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_synced_means_linked();
CREATE CONSTRAINT TRIGGER synced_means_one_active_link
    AFTER INSERT OR UPDATE ON erp_integrations_changeorderlink DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_synced_means_linked();

-- However the delete arrives: page, admin, shell.
CREATE FUNCTION erp_integrations_synced_is_not_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a synced change order is not deleted: unlink it first'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'synced_is_not_deleted';
END $$;
CREATE TRIGGER synced_is_not_deleted
    BEFORE DELETE ON commitments_commitmentchangeorder FOR EACH ROW
    WHEN (OLD.erp_status = 'SYNCED')
    EXECUTE FUNCTION erp_integrations_synced_is_not_deleted();
"""

SYNCED_BACK = """
DROP TRIGGER synced_is_not_deleted ON commitments_commitmentchangeorder;
DROP FUNCTION erp_integrations_synced_is_not_deleted();
DROP TRIGGER synced_means_one_active_link ON erp_integrations_changeorderlink;
DROP TRIGGER synced_means_one_active_link ON commitments_commitmentchangeorder;
DROP FUNCTION erp_integrations_synced_means_linked();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("erp_integrations", "0001_initial"),
        ("commitments", "0003_sums_and_companies"),
    ]
    operations = [
        migrations.RunSQL(FOREIGN_KEYS, FOREIGN_KEYS_BACK),
        migrations.RunSQL(LEDGER, LEDGER_BACK),
        migrations.RunSQL(ATTEMPTS, ATTEMPTS_BACK),
        migrations.RunSQL(LINKS, LINKS_BACK),
        migrations.RunSQL(SYNCED, SYNCED_BACK),
    ]
