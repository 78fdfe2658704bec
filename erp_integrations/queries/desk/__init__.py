"""Reads of the support desk: across all companies, for staff. Every count is capped, every list is short."""
