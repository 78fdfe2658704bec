"""Stated deletions, which a second ERP admin confirms."""

import datetime as dt

import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

DELETIONS = """
-- What was stated never changes; it is confirmed once, and ended once.
CREATE FUNCTION erp_integrations_confirmed_deletion_is_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' OR OLD.ended_at IS NOT NULL
       OR (NEW.connection_id, NEW.incarnation, NEW.reason, NEW.stated_at, NEW.stated_by_id, NEW.stated_by_name)
          IS DISTINCT FROM
          (OLD.connection_id, OLD.incarnation, OLD.reason, OLD.stated_at, OLD.stated_by_id, OLD.stated_by_name)
       OR (OLD.confirmed_at IS NOT NULL
           AND (NEW.told_at, NEW.confirmed_at, NEW.confirmed_by_id, NEW.confirmed_by_name, NEW.ends_at)
               IS DISTINCT FROM
               (OLD.told_at, OLD.confirmed_at, OLD.confirmed_by_id, OLD.confirmed_by_name, OLD.ends_at)) THEN
        RAISE EXCEPTION 'what was stated and confirmed never changes, and a statement ends once'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'confirmed_deletion_is_history';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER confirmed_deletion_is_history BEFORE UPDATE OR DELETE ON erp_integrations_confirmeddeletion
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_confirmed_deletion_is_history();
CREATE TRIGGER confirmed_deletion_is_not_truncated BEFORE TRUNCATE ON erp_integrations_confirmeddeletion
    FOR EACH STATEMENT EXECUTE FUNCTION erp_integrations_confirmed_deletion_is_history();

-- A statement begins unconfirmed: a second person confirms what is written down.
CREATE FUNCTION erp_integrations_confirmed_deletion_begins_unconfirmed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a statement begins unconfirmed'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'confirmed_deletion_begins_unconfirmed';
END $$;
CREATE TRIGGER confirmed_deletion_begins_unconfirmed BEFORE INSERT ON erp_integrations_confirmeddeletion
    FOR EACH ROW WHEN (NEW.confirmed_at IS NOT NULL OR NEW.ended_at IS NOT NULL)
    EXECUTE FUNCTION erp_integrations_confirmed_deletion_begins_unconfirmed();

-- A statement names records of its own connection, each as its link does, and none once it is confirmed.
CREATE FUNCTION erp_integrations_confirmed_deletion_names_its_records() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        RAISE EXCEPTION 'the records that a statement names never change'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'confirmed_deletion_record_is_history';
    END IF;
    IF NOT EXISTS (
        SELECT FROM erp_integrations_confirmeddeletion deletion
        JOIN erp_integrations_changeorderlink link ON link.connection_id = deletion.connection_id
        WHERE deletion.id = NEW.deletion_id AND deletion.confirmed_at IS NULL AND deletion.ended_at IS NULL
          AND link.id = NEW.link_id AND link.unlinked_at IS NULL
          AND (link.row_id, link.record_number) = (NEW.row_id, NEW.record_number)
    ) THEN
        RAISE EXCEPTION 'an unconfirmed statement names records of active links of its connection'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'confirmed_deletion_names_its_records';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER confirmed_deletion_names_its_records
    BEFORE INSERT OR UPDATE OR DELETE ON erp_integrations_confirmeddeletionrecord
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_confirmed_deletion_names_its_records();
CREATE TRIGGER confirmed_deletion_record_is_not_truncated
    BEFORE TRUNCATE ON erp_integrations_confirmeddeletionrecord
    FOR EACH STATEMENT EXECUTE FUNCTION erp_integrations_confirmed_deletion_names_its_records();
"""

DELETIONS_BACK = """
DROP TRIGGER confirmed_deletion_record_is_not_truncated ON erp_integrations_confirmeddeletionrecord;
DROP TRIGGER confirmed_deletion_names_its_records ON erp_integrations_confirmeddeletionrecord;
DROP FUNCTION erp_integrations_confirmed_deletion_names_its_records();
DROP TRIGGER confirmed_deletion_begins_unconfirmed ON erp_integrations_confirmeddeletion;
DROP FUNCTION erp_integrations_confirmed_deletion_begins_unconfirmed();
DROP TRIGGER confirmed_deletion_is_not_truncated ON erp_integrations_confirmeddeletion;
DROP TRIGGER confirmed_deletion_is_history ON erp_integrations_confirmeddeletion;
DROP FUNCTION erp_integrations_confirmed_deletion_is_history();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("erp_integrations", "0017_ignored_records"),
    ]

    operations = [
        migrations.CreateModel(
            name="ConfirmedDeletion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("incarnation", models.CharField(max_length=500)),
                ("reason", models.TextField()),
                ("stated_at", models.DateTimeField()),
                ("stated_by_id", models.BigIntegerField()),
                ("stated_by_name", models.CharField(max_length=150)),
                (
                    "told_at",
                    models.DateTimeField(
                        help_text="When the last mail about it was sent, where no second ERP admin confirmed it.",
                        null=True,
                    ),
                ),
                ("confirmed_at", models.DateTimeField(null=True)),
                (
                    "confirmed_by_id",
                    models.BigIntegerField(help_text="None where there is no second one.", null=True),
                ),
                ("confirmed_by_name", models.CharField(blank=True, max_length=150)),
                ("ends_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "ended_why",
                    models.CharField(
                        blank=True,
                        choices=[("WITHDRAWN", "Withdrawn"), ("SEEN", "A record is in Sage")],
                        max_length=20,
                    ),
                ),
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
        ),
        migrations.CreateModel(
            name="ConfirmedDeletionRecord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("row_id", models.UUIDField()),
                ("record_number", models.CharField(max_length=20)),
                (
                    "deletion",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="records",
                        to="erp_integrations.confirmeddeletion",
                    ),
                ),
                (
                    "link",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="erp_integrations.changeorderlink",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="confirmeddeletion",
            index=models.Index(
                condition=models.Q(("ended_at", None)),
                fields=["connection", "id"],
                name="confirmed_deletion_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="confirmeddeletion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("reason", ""), _negated=True),
                    models.Q(("stated_by_name", ""), _negated=True),
                    models.Q(("incarnation", ""), _negated=True),
                ),
                name="confirmed_deletion_says_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="confirmeddeletion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("confirmed_at", None),
                        ("confirmed_by_id", None),
                        ("confirmed_by_name", ""),
                        ("ends_at", None),
                        ("told_at", None),
                    ),
                    models.Q(
                        ("confirmed_at__gte", models.F("stated_at")),
                        ("confirmed_at__isnull", False),
                        ("ends_at__gt", models.F("confirmed_at")),
                        ("ends_at__isnull", False),
                        (
                            "ends_at__lte",
                            django.db.models.expressions.CombinedExpression(
                                models.F("confirmed_at"), "+", models.Value(dt.timedelta(days=7))
                            ),
                        ),
                        models.Q(("confirmed_by_name", ""), _negated=True),
                        models.Q(
                            models.Q(
                                ("confirmed_by_id__isnull", False),
                                ("told_at", None),
                                models.Q(("confirmed_by_id", models.F("stated_by_id")), _negated=True),
                            ),
                            models.Q(
                                (
                                    "confirmed_at__gte",
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("told_at"), "+", models.Value(dt.timedelta(days=1))
                                    ),
                                ),
                                ("confirmed_by_id", None),
                                ("told_at__gte", models.F("stated_at")),
                                ("told_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                    ),
                    _connector="OR",
                ),
                name="confirmed_deletion_by_a_second_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="confirmeddeletion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at", None), ("ended_by_name", ""), ("ended_why", "")),
                    models.Q(
                        ("ended_at__gte", models.F("stated_at")),
                        ("ended_at__isnull", False),
                        ("ended_why__in", ["WITHDRAWN", "SEEN"]),
                        models.Q(("ended_by_name", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="confirmed_deletion_ends_for_a_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="confirmeddeletionrecord",
            index=models.Index(fields=["row_id"], name="confirmed_deletion_row"),
        ),
        migrations.AddConstraint(
            model_name="confirmeddeletionrecord",
            constraint=models.UniqueConstraint(
                fields=("deletion", "link"), name="confirmed_deletion_record_once"
            ),
        ),
        migrations.RunSQL(DELETIONS, DELETIONS_BACK),
    ]
