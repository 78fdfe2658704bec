"""The ledger: appending events, describing them, reading both books as one."""
