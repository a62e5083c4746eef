"""Counting and policy: what was launched, what is finished, when to wait. Standard library only."""
