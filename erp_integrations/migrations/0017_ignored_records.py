"""Records of the ERP that are ignored with a reason."""

import django.db.models.deletion
from django.db import migrations, models

IGNORED = """
CREATE FUNCTION erp_integrations_ignored_record_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' OR OLD.ended_at IS NOT NULL
       OR (NEW.connection_id, NEW.row_id, NEW.record_number, NEW.reason, NEW.ignored_at, NEW.ignored_by_id,
           NEW.ignored_by_name)
          IS DISTINCT FROM
          (OLD.connection_id, OLD.row_id, OLD.record_number, OLD.reason, OLD.ignored_at, OLD.ignored_by_id,
           OLD.ignored_by_name) THEN
        RAISE EXCEPTION 'an ignored record ends once, and is never changed or deleted'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ignored_record_ends_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ignored_record_ends_once BEFORE UPDATE OR DELETE ON erp_integrations_ignoredrecord
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_ignored_record_ends_once();
CREATE TRIGGER ignored_record_is_not_truncated BEFORE TRUNCATE ON erp_integrations_ignoredrecord
    FOR EACH STATEMENT EXECUTE FUNCTION erp_integrations_ignored_record_ends_once();
"""

IGNORED_BACK = """
DROP TRIGGER ignored_record_is_not_truncated ON erp_integrations_ignoredrecord;
DROP TRIGGER ignored_record_ends_once ON erp_integrations_ignoredrecord;
DROP FUNCTION erp_integrations_ignored_record_ends_once();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("erp_integrations", "0016_moved_links"),
    ]

    operations = [
        migrations.CreateModel(
            name="IgnoredRecord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("row_id", models.UUIDField(help_text="The record's own row id (_idnum).")),
                ("record_number", models.CharField(max_length=20)),
                ("reason", models.TextField()),
                ("ignored_at", models.DateTimeField()),
                ("ignored_by_id", models.BigIntegerField()),
                ("ignored_by_name", models.CharField(max_length=150)),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_by_id", models.BigIntegerField(null=True)),
                ("ended_by_name", models.CharField(blank=True, max_length=150)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="erp_integrations.connection",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("connection", "row_id"),
                        name="ignored_record_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("reason", ""), _negated=True),
                            models.Q(("ignored_by_name", ""), _negated=True),
                        ),
                        name="ignored_record_says_why",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at", None), ("ended_by_id", None), ("ended_by_name", "")),
                            models.Q(
                                ("ended_at__gte", models.F("ignored_at")),
                                ("ended_at__isnull", False),
                                ("ended_by_id__isnull", False),
                                models.Q(("ended_by_name", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="ignored_record_ended_by_somebody",
                    ),
                ],
            },
        ),
        migrations.RunSQL(IGNORED, IGNORED_BACK),
    ]
