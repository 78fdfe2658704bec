"""Compares all links of a connection with the company's records in the ERP."""
