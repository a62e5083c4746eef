"""The check of the card at hand, without any host."""
