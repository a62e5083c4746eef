"""Which profile is in use, by SD.Next's options and the user's config.json; and saving both without loss."""
