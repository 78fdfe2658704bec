-- Rules that a Django constraint cannot state, for the models in models.py.

-- Company: its projects and directory entries never move to another one. commitments/models.sql uses this too.
CREATE OR REPLACE FUNCTION companies_company_is_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a % never moves to another company', TG_ARGV[0]
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE OR REPLACE TRIGGER project_company_is_for_good
    BEFORE UPDATE OF company_id ON companies_project FOR EACH ROW
    WHEN (OLD.company_id IS DISTINCT FROM NEW.company_id)
    EXECUTE FUNCTION companies_company_is_for_good('project');
CREATE OR REPLACE TRIGGER membership_company_is_for_good
    BEFORE UPDATE OF company_id ON companies_membership FOR EACH ROW
    WHEN (OLD.company_id IS DISTINCT FROM NEW.company_id)
    EXECUTE FUNCTION companies_company_is_for_good('directory entry');

-- ProjectToolPermission: the project belongs to the company of the directory entry.
CREATE OR REPLACE FUNCTION companies_level_same_company() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT company_id FROM companies_membership WHERE id = NEW.membership_id)
       IS DISTINCT FROM (SELECT company_id FROM companies_project WHERE id = NEW.project_id) THEN
        RAISE EXCEPTION 'the project belongs to another company than the directory entry'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'project_level_same_company';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER project_level_same_company
    BEFORE INSERT OR UPDATE OF membership_id, project_id ON companies_projecttoolpermission
    FOR EACH ROW EXECUTE FUNCTION companies_level_same_company();

-- Membership: Can Push to Accounting is granted together with an event that says by whom and why. Checked when
-- the transaction commits.
CREATE OR REPLACE FUNCTION companies_privilege_is_granted_by_event() RETURNS trigger LANGUAGE plpgsql AS $$
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
DROP TRIGGER IF EXISTS privilege_is_granted_by_event ON companies_membership;
CREATE CONSTRAINT TRIGGER privilege_is_granted_by_event
    AFTER UPDATE OF can_push_to_accounting ON companies_membership DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.can_push_to_accounting AND NOT OLD.can_push_to_accounting)
    EXECUTE FUNCTION companies_privilege_is_granted_by_event();

-- PrivilegeRequest: a decided request never changes.
CREATE OR REPLACE FUNCTION companies_request_is_decided_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a request that was decided stays as it was decided'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'request_is_decided_once';
END $$;
CREATE OR REPLACE TRIGGER request_is_decided_once BEFORE UPDATE ON companies_privilegerequest FOR EACH ROW
    WHEN (OLD.outcome <> 'WAITING')
    EXECUTE FUNCTION companies_request_is_decided_once();

-- DirectoryEvent: append only.
CREATE OR REPLACE FUNCTION companies_event_is_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an event of the Directory is never changed, deleted or truncated'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'directory_event_is_for_good';
END $$;
CREATE OR REPLACE TRIGGER directory_event_is_for_good BEFORE UPDATE OR DELETE ON companies_directoryevent
    FOR EACH ROW EXECUTE FUNCTION companies_event_is_for_good();
CREATE OR REPLACE TRIGGER directory_event_is_not_truncated BEFORE TRUNCATE ON companies_directoryevent
    FOR EACH STATEMENT EXECUTE FUNCTION companies_event_is_for_good();
