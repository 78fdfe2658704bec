"""Sets, checks and accepts a company's connection; the Connection tab."""
