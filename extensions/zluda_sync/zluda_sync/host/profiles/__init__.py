"""Profiles in the user's config.json, and SD.Next's options."""
