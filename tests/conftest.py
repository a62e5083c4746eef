"""Settings of all tests."""

import pytest
from hypothesis import settings

from tests.pictures import Pictures

# A busy machine is no bug: time limits on single examples fail at random.
settings.register_profile("project", deadline=None)
settings.load_profile("project")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flag of scripts/pictures.py."""
    parser.addoption("--take-pictures", action="store_true", help="take the pictures of the pages anew")


@pytest.fixture(scope="session")
def pictures(request: pytest.FixtureRequest) -> Pictures:
    """The pictures of the pages, taken anew or held to today's words."""
    return Pictures(request.config.getoption("--take-pictures"))
