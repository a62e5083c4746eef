"""SD.Next: every name of the host that is used, the hooks, the settings and the progress fields."""
