"""What a command does first: options, environment, checks.

Standard library only, for whatever Python the command was typed with.
"""
