"""Views translate: parse, one call, words."""
