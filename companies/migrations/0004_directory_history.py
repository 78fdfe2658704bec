"""What was done to an entry stays as it was written, and nobody gets the privilege without an event."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION companies_event_is_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an event of the Directory is never changed, deleted or truncated'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'directory_event_is_for_good';
END $$;
CREATE TRIGGER directory_event_is_for_good BEFORE UPDATE OR DELETE ON companies_directoryevent
    FOR EACH ROW EXECUTE FUNCTION companies_event_is_for_good();
CREATE TRIGGER directory_event_is_not_truncated BEFORE TRUNCATE ON companies_directoryevent
    FOR EACH STATEMENT EXECUTE FUNCTION companies_event_is_for_good();

CREATE FUNCTION companies_request_is_decided_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a request that was decided stays as it was decided'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'request_is_decided_once';
END $$;
CREATE TRIGGER request_is_decided_once BEFORE UPDATE ON companies_privilegerequest FOR EACH ROW
    WHEN (OLD.outcome <> 'WAITING')
    EXECUTE FUNCTION companies_request_is_decided_once();

-- Whoever has an entry gets the privilege by a decision, which is written down in the same transaction.
CREATE FUNCTION companies_privilege_is_granted_by_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM companies_directoryevent event
        WHERE event.membership_id = NEW.id AND event.kind = 'PRIVILEGE_GRANTED'
          AND event.at >= transaction_timestamp()
    ) THEN
        RAISE EXCEPTION 'Can Push to Accounting is granted with an event that says by whom and why'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'privilege_is_granted_by_event';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER privilege_is_granted_by_event
    AFTER UPDATE OF can_push_to_accounting ON companies_membership DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.can_push_to_accounting AND NOT OLD.can_push_to_accounting)
    EXECUTE FUNCTION companies_privilege_is_granted_by_event();
"""

BACKWARD = """
DROP TRIGGER privilege_is_granted_by_event ON companies_membership;
DROP FUNCTION companies_privilege_is_granted_by_event();
DROP TRIGGER request_is_decided_once ON companies_privilegerequest;
DROP FUNCTION companies_request_is_decided_once();
DROP TRIGGER directory_event_is_not_truncated ON companies_directoryevent;
DROP TRIGGER directory_event_is_for_good ON companies_directoryevent;
DROP FUNCTION companies_event_is_for_good();
"""


class Migration(migrations.Migration):
    dependencies = [("companies", "0003_directory")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
