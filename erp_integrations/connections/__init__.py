"""Setting, checking and accepting a company's connection; the Connection tab."""
