"""Shared by all pages: tabs and flash messages."""
