"""What one job was: what a client was told, what the device truly did, and the figures of the two."""
