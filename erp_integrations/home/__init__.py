"""The company's home page and the help pages."""
