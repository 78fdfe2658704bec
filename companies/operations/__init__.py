"""Writes to entries of the Directory. Each operation records an event and raises a named refusal."""
