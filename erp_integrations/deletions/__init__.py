"""Deletions in the ERP that two ERP admins state and confirm."""
