"""Writes: what people and commands do. Each is one verb, tells the ledger, and refuses by name."""
