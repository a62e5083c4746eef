"""Whether a version of the extension goes on with what the one before it has left in the data folder."""
