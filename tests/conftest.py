"""Settings of all tests."""

from hypothesis import settings

# A busy machine is no bug: time limits on single examples fail at random.
settings.register_profile("project", deadline=None)
settings.load_profile("project")
