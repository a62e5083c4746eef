"""The real SD.Next and its client, as the tests of this folder name them."""

from __future__ import annotations

from bench.commands.environment import REPOSITORY as ROOT
from bench.real_host.server import (
    DEVICE_EXTENSION,
    TEST_EXTENSIONS,
    DoneJob,
    Poll,
    SdNextServer,
    find_missing_names,
    finished,
    make_data_folder,
)

__all__ = [
    "DEVICE_EXTENSION",
    "ROOT",
    "TEST_EXTENSIONS",
    "DoneJob",
    "Poll",
    "SdNextServer",
    "find_missing_names",
    "finished",
    "make_data_folder",
]
