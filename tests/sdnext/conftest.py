"""The real SD.Next, if SDNEXT_DIR and SDNEXT_PYTHON name one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sdnext.server import DEVICE_EXTENSION, ROOT, SdNextServer, find_missing_names, make_data_folder

STEP_S = 0.3
DECODE_S = 0.8


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip everything in this folder, and say why, where there is no SD.Next."""
    missing = find_missing_names()
    for item in items:
        if item.path.is_relative_to(ROOT / "tests" / "sdnext"):
            item.add_marker(pytest.mark.sdnext)
            if missing:
                item.add_marker(
                    pytest.mark.skip(reason=f"needs the real SD.Next: {' and '.join(missing)} not set")
                )


@pytest.fixture(scope="session")
def make_server(tmp_path_factory: pytest.TempPathFactory):
    """Return a function that makes a data folder with a small model in it, and a server on that folder."""
    servers = []

    def make(
        name: str, step_s: float = STEP_S, decode_s: float = DECODE_S, block_s: float = 0.0
    ) -> SdNextServer:
        data_dir = tmp_path_factory.mktemp(name)
        make_data_folder(data_dir)
        servers.append(SdNextServer(data_dir, step_s, decode_s, block_s))
        servers[-1].install(DEVICE_EXTENSION, "async_device")
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def server(make_server) -> Iterator[SdNextServer]:
    """SD.Next with the extension copied as a user copies it."""
    made = make_server("copied")
    made.install(ROOT / "extensions" / "zluda_sync", "zluda_sync")
    made.start()
    return made
