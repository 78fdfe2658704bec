"""Comparing all links of a connection with the company's books."""
