"""The company's home page and the pages that explain."""
