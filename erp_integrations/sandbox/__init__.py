"""The practice company's pages, and the demo data."""
