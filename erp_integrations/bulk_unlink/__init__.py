"""Unlinking many CCOs at once."""
