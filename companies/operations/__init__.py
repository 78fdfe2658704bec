"""Writes: what is done to entries of the Directory. Each is one verb, leaves an event, refuses by name."""
