"""Settings, profiles and the rules that choose one."""
