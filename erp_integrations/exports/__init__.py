"""Exports of CCOs: submit, review, write to the ERP, read back."""
