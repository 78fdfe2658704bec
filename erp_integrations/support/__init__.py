"""The support desk: pages of the admin that span companies."""
