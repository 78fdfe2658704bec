"""Deletions in the ERP, stated by one ERP admin and confirmed by another."""
