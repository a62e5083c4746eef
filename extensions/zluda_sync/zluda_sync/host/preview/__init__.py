"""Previews for SD.Next's page and API: of ours, or by the host's own method beside the steps."""
