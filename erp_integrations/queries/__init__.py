"""Reads: plain values for pages, never more queries for more rows."""
