"""Links of CCOs: create, check, unlink, relink and move them."""
