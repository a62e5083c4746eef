"""How far the device has come: launches, completions, when to wait."""
