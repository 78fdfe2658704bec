"""The list of CCOs in its views, and the page of one CCO."""
