"""The list of CCOs with its views, and the page of one CCO."""
