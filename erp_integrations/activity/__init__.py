"""The Activity tab and the export of the ledger as a file."""
