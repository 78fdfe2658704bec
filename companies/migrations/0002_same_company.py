"""A level on a project belongs to a membership of the project's own company."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION companies_level_same_company() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT company_id FROM companies_membership WHERE id = NEW.membership_id)
       IS DISTINCT FROM (SELECT company_id FROM companies_project WHERE id = NEW.project_id) THEN
        RAISE EXCEPTION 'the project belongs to another company than the directory entry'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'project_level_same_company';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER project_level_same_company
    BEFORE INSERT OR UPDATE OF membership_id, project_id ON companies_projecttoolpermission
    FOR EACH ROW EXECUTE FUNCTION companies_level_same_company();

CREATE FUNCTION companies_company_is_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a % never moves to another company', TG_ARGV[0]
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE TRIGGER project_company_is_for_good
    BEFORE UPDATE OF company_id ON companies_project FOR EACH ROW
    WHEN (OLD.company_id IS DISTINCT FROM NEW.company_id)
    EXECUTE FUNCTION companies_company_is_for_good('project');
CREATE TRIGGER membership_company_is_for_good
    BEFORE UPDATE OF company_id ON companies_membership FOR EACH ROW
    WHEN (OLD.company_id IS DISTINCT FROM NEW.company_id)
    EXECUTE FUNCTION companies_company_is_for_good('directory entry');
"""

BACKWARD = """
DROP TRIGGER membership_company_is_for_good ON companies_membership;
DROP TRIGGER project_company_is_for_good ON companies_project;
DROP FUNCTION companies_company_is_for_good();
DROP TRIGGER project_level_same_company ON companies_projecttoolpermission;
DROP FUNCTION companies_level_same_company();
"""


class Migration(migrations.Migration):
    dependencies = [("companies", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
