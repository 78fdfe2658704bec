"""Pages of a CCO on its way into the ERP."""
