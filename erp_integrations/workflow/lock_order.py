"""The one order in which rows are locked, so that no two transactions wait for each other in a ring.

A transaction locks rows of these tables in this order, and of one table in the order of their ids. It may
leave tables out; it never goes back to one that stands before a table of which it holds a row already, except
to a row that it has locked before.

1. the company, for what belongs to a company as a whole (its first connection, its people's levels)
2. the bulk unlink, then its items
3. links, then their attempts
4. the connection, then its reconciliation run
5. what a link is of: project, vendor, commitment, then the CCO
6. the export of a CCO

A connection is locked with `no_key`: rows that refer to it (a link, an export) are made by transactions that
hold a CCO already, and must not wait for it. Noting an answer (`erp.connection_state.note_answer`) locks the
connection too.
"""

ORDER = (
    "companies_company",
    "erp_integrations_bulkunlink",
    "erp_integrations_bulkunlinkitem",
    "erp_integrations_changeorderlink",
    "erp_integrations_unlinkattempt",
    "erp_integrations_connection",
    "erp_integrations_reconcilerun",
    "companies_project",
    "commitments_vendor",
    "commitments_commitment",
    "commitments_commitmentchangeorder",
    "erp_integrations_export",
)
"""The tables, as the test of the order reads them."""
