"""A CCO as the ERP would hold it: its context, validation rules and comparison with a record."""
