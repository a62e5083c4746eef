"""What the user has asked for: Stop, Skip, Pause."""
