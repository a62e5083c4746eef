"""What can be set: settings, profiles, and the rules that choose one; each is described once, for all."""
