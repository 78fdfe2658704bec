"""What all pages share: tabs and flash messages."""
