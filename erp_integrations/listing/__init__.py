"""Keyset pages, distinct values and CSV files for every list."""
