"""Pages: parse, one call, words."""
