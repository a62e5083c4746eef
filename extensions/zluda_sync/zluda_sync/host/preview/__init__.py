"""Previews for SD.Next's page and API."""
