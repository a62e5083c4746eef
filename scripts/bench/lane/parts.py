"""The parts of the lane, most valuable first: what each is, and how long it may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """One part; it runs in a process of its own.

    Attributes:
        name: for the options and the summary.
        module: where it is, and its function, which is given a `Report`.
        function: see there.
        limit_s: the longest that it may take, the start of its process included.
        least_s: with less time left than this it is not begun.
        title: what it does, for the summary.
    """

    name: str
    module: str
    function: str
    limit_s: float
    least_s: float
    title: str


PARTS = (
    Part("environment", "bench.lane.machine", "describe_machine", 75.0, 5.0, "device, driver, versions"),
    Part("self-test", "bench.lane.machine", "test_device", 75.0, 15.0, "every way to wait, tried"),
    Part("sd15", "bench.lane.eager", "measure_sd15", 60.0, 25.0, "a UNet of SD 1.5's size"),
    Part("sdxl", "bench.lane.eager", "measure_sdxl", 65.0, 25.0, "a UNet of SDXL's size"),
    Part("dit", "bench.lane.eager", "measure_dit", 65.0, 25.0, "a transformer of SD 3 medium's size"),
    Part("added-sync", "bench.lane.sync_check", "check_added_syncs", 45.0, 15.0, "whether observe waits"),
    Part("graphs", "bench.lane.captured", "measure_captured", 70.0, 20.0, "a step as one CUDA graph"),
    Part("pipeline", "bench.lane.pipeline", "measure_pipeline", 80.0, 20.0, "a pipeline under `track`"),
    Part("host", "bench.lane.hosted", "measure_hosted", 100.0, 30.0, "the stand-in host, as on ZLUDA"),
    Part("streams", "bench.lane.streams", "measure_streams", 60.0, 15.0, "two streams"),
    Part("neighbour", "bench.lane.crowded", "measure_neighbour", 50.0, 20.0, "another process on the card"),
    Part("memory", "bench.lane.crowded", "measure_full_memory", 60.0, 15.0, "nearly full memory"),
    Part("compile", "bench.lane.compiled", "measure_compiled", 120.0, 40.0, "torch.compile"),
)
