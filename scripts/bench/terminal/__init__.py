"""What is shown on a terminal: a bar, and tables as text."""
