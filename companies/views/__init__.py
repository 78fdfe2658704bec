"""Pages of the company picker and the Directory."""
