"""The list at a million links: an index for each sort and each filter, the words to search, the amount.

Building the indexes takes about a minute for a million links, and writers wait meanwhile.
"""

import django.contrib.postgres.indexes
from django.contrib.postgres.operations import BtreeGinExtension, TrigramExtension
from django.db import migrations, models

AMOUNT = """
-- The rules of links are not asked: nothing of what they guard is touched.
ALTER TABLE erp_integrations_changeorderlink DISABLE TRIGGER USER;
UPDATE erp_integrations_changeorderlink link SET cco_amount = co.amount
FROM commitments_commitmentchangeorder co WHERE co.id = link.change_order_id AND link.unlinked_at IS NULL;
ALTER TABLE erp_integrations_changeorderlink ENABLE TRIGGER USER;

-- However a link is made, it holds its CCO's amount, which is locked from then on.
CREATE FUNCTION erp_integrations_link_keeps_amount() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT amount INTO NEW.cco_amount FROM commitments_commitmentchangeorder WHERE id = NEW.change_order_id;
    RETURN NEW;
END $$;
CREATE TRIGGER change_order_link_keeps_amount BEFORE INSERT ON erp_integrations_changeorderlink
    FOR EACH ROW EXECUTE FUNCTION erp_integrations_link_keeps_amount();
"""

AMOUNT_BACK = """
DROP TRIGGER change_order_link_keeps_amount ON erp_integrations_changeorderlink;
DROP FUNCTION erp_integrations_link_keeps_amount();
"""

LET_GO = "'project_id', 'commitment_id', 'change_order_id', 'vendor_id'"
HISTORY = """
CREATE OR REPLACE FUNCTION erp_integrations_link_is_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a link is ended, never deleted'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'link_is_history';
    END IF;
    -- What names the record never changes; of a link that has ended nothing does, but that it lets go of a
    -- subject that is deleted. Generated columns have no value here yet.
    IF (NEW.connection_id, NEW.row_id, NEW.record_number, NEW.linked_at, NEW.linked_by_name)
       IS DISTINCT FROM
       (OLD.connection_id, OLD.row_id, OLD.record_number, OLD.linked_at, OLD.linked_by_name)
       OR (OLD.unlinked_at IS NOT NULL
           AND (to_jsonb(NEW) - ARRAY[{free}]) IS DISTINCT FROM (to_jsonb(OLD) - ARRAY[{free}]))
    THEN
        RAISE EXCEPTION 'what a link was tied to, and when it ended, never changes'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'link_is_history';
    END IF;
    RETURN NEW;
END $$;
"""
FREE = f"{LET_GO}, 'record_order', 'search_text', 'erp_number_order'"
FREE_BEFORE = f"{LET_GO}, 'record_order', 'search_text'"


class Migration(migrations.Migration):
    dependencies = [
        ("commitments", "0005_locks_and_history"),
        ("erp_integrations", "0006_reconciling"),
    ]

    operations = [
        TrigramExtension(),
        BtreeGinExtension(),
        migrations.RemoveIndex(
            model_name="changeorderlink",
            name="change_order_link_presence",
        ),
        migrations.AddField(
            model_name="changeorderlink",
            name="cco_amount",
            field=models.DecimalField(
                decimal_places=2,
                editable=False,
                help_text="The CCO's amount, written by the database when the link is made: it is locked while the link is active. Empty in links that had ended before it was kept.",
                max_digits=14,
                null=True,
            ),
        ),
        migrations.RunSQL(AMOUNT, AMOUNT_BACK),
        migrations.RunSQL(HISTORY.format(free=FREE), HISTORY.format(free=FREE_BEFORE)),
        migrations.AddField(
            model_name="changeorderlink",
            name="erp_number_order",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Func(
                    "number",
                    template="regexp_replace(regexp_replace(lower(btrim(%(expressions)s)), '([0-9]+)', '0000000000000000000\\1', 'g'), '[0-9]*([0-9]{20})', '\\1', 'g')",
                ),
                output_field=models.TextField(db_collation="C"),
            ),
        ),
        migrations.AddField(
            model_name="changeorderlink",
            name="search_text",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Func(
                    "cco_number",
                    "cco_title",
                    "commitment_number",
                    "commitment_title",
                    "contract_company",
                    "project_number",
                    "project_name",
                    "number",
                    "sub_change_number",
                    "record_number",
                    arg_joiner=" || ' ' || ",
                    template="lower(' ' || %(expressions)s || ' ')",
                ),
                output_field=models.TextField(),
            ),
        ),
        migrations.AddIndex(
            model_name="changeorderlink",
            index=models.Index(
                condition=models.Q(("unlinked_at", None)),
                fields=[
                    "connection",
                    "contract_company",
                    "project_number",
                    "commitment_number",
                    "cco_number",
                    "id",
                ],
                name="change_order_link_company",
            ),
        ),
        migrations.AddIndex(
            model_name="changeorderlink",
            index=models.Index(
                condition=models.Q(("unlinked_at", None)),
                fields=["connection", "presence", "project_number", "commitment_number", "cco_number", "id"],
                include=("cco_amount",),
                name="change_order_link_presence",
            ),
        ),
        migrations.AddIndex(
            model_name="changeorderlink",
            index=models.Index(
                condition=models.Q(("unlinked_at", None), ("presence__in", ("absent", "replaced"))),
                fields=["connection", "project_number", "commitment_number", "cco_number", "id"],
                name="change_order_link_gone",
            ),
        ),
        migrations.AddIndex(
            model_name="changeorderlink",
            index=models.Index(
                condition=models.Q(("unlinked_at", None), models.Q(("drift", []), _negated=True)),
                fields=["connection", "project_number", "commitment_number", "cco_number", "id"],
                include=("drift", "cco_amount"),
                name="change_order_link_drifted",
            ),
        ),
        migrations.AddIndex(
            model_name="changeorderlink",
            index=models.Index(
                condition=models.Q(("unlinked_at", None)),
                fields=["connection", "cco_amount", "id"],
                name="change_order_link_amount",
            ),
        ),
        migrations.AddIndex(
            model_name="changeorderlink",
            index=models.Index(
                condition=models.Q(("unlinked_at", None)),
                fields=["connection", "linked_at", "id"],
                name="change_order_link_linked",
            ),
        ),
        migrations.AddIndex(
            model_name="changeorderlink",
            index=models.Index(
                condition=models.Q(("unlinked_at", None)),
                fields=["connection", "erp_number_order", "id"],
                name="change_order_link_number",
            ),
        ),
        migrations.AddIndex(
            model_name="changeorderlink",
            index=models.Index(
                condition=models.Q(("unlinked_at", None)),
                fields=["connection", "linked_by_name", "linked_at", "id"],
                name="change_order_link_linked_by",
            ),
        ),
        migrations.AddIndex(
            model_name="changeorderlink",
            index=django.contrib.postgres.indexes.GinIndex(
                condition=models.Q(("unlinked_at", None)),
                fields=["connection", "search_text"],
                name="change_order_link_search",
                opclasses=["int8_ops", "gin_trgm_ops"],
            ),
        ),
        migrations.AddConstraint(
            model_name="changeorderlink",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("unlinked_at__isnull", False), ("cco_amount__isnull", False), _connector="OR"
                ),
                name="change_order_link_active_has_amount",
            ),
        ),
    ]
