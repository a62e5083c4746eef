"""Stand-in for SD.Next's modules/api."""
