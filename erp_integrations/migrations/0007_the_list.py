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


class Migration(migrations.Migration):
    dependencies = [
        ("commitments", "0005_locks_and_history"),
        ("erp_integrations", "0005_failures_in_a_row"),
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
