"""Pictures of steps that are finished, at almost no cost."""
