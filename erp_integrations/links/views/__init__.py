"""Pages and buttons of a link."""
