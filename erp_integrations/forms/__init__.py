"""What may come in by address or form. Whatever else is sent is not looked at."""
