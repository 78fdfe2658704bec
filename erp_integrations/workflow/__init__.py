"""ERP status transitions, row locks, refusals, link status and mail: shared by all acts."""
