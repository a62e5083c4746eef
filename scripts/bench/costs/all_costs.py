"""All costs, in the order of the table, each with its bar, and with its target where there is one.

A bar is two to three times what was measured on a quiet machine: Pythons from 3.10 to 3.13 differ by less.
"""

from __future__ import annotations

from functools import partial

from bench.costs import hooks, models, previews, progress
from bench.costs.cost import Cost
from bench.costs.starts import START_S, WORKERS

HOOK_US, WATCHER_PERCENT = 50.0, 1.0
SNAPSHOT_MS = {10: 0.2, 1_000: 1.0}
_HOOK_BARS = {"observe": 1.0, "run-ahead": 1.3, "every-step": 1.3}
_POLLER_BARS = {1: 4.0, 10: 6.0, 100: 10.0}

COSTS: tuple[Cost, ...] = (
    *(
        Cost(f"hook of a step, {mode}", partial(hooks.open_hook, mode), bar, target=HOOK_US)
        for mode, bar in _HOOK_BARS.items()
    ),
    Cost(
        "the host's own callback, checkbox off: nothing of it is replaced",
        partial(hooks.open_hook, "off"),
        0.1,
    ),
    Cost(
        "watcher, of a core, steps of 0.1 s",
        hooks.open_watcher,
        0.02,
        "the same time",
        4,
        WATCHER_PERCENT,
        "%",
    ),
    Cost("ledger, a step", progress.open_ledger, 0.15),
    *(
        Cost(
            f"snapshot, {images} image{'s' * (images > 1)}",
            partial(progress.open_few, progress.build_looks, images),
            3.0,
            target=SNAPSHOT_MS.get(images),
            unit="ms",
        )
        for images in (1, 10)
    ),
    *(
        Cost(
            f"snapshot, {images:,} images",
            partial(progress.open_many, progress.build_looks, images, 10),
            1.7,
            "10 images",
            target=SNAPSHOT_MS.get(images),
            unit="ms",
        )
        for images in (100, 1_000)
    ),
    Cost("forecast, 1 image", partial(progress.open_few, progress.build_forecasts, 1), 1.2),
    *(
        Cost(
            f"forecast, {images:,} images, for each",
            partial(progress.open_many, progress.build_forecasts, images, 1),
            1.5,
            "1 image",
            rounds=30,
        )
        for images in (10, 100, 1_000)
    ),
    *(
        Cost(
            f"a look, {pollers} poller{'s' * (pollers > 1)} at once",
            partial(progress.open_pollers, pollers),
            bar,
            "one look alone",
            rounds=12,
        )
        for pollers, bar in _POLLER_BARS.items()
    ),
    *(
        Cost(
            f"latents to colours, {size_px} px",
            partial(previews.open_projection, size_px),
            5.0,
            "the bare product",
            rounds=30,
            unit="ms",
        )
        for size_px in previews.SIZES_PX
    ),
    *(
        Cost(
            f"preview, {size_px} px",
            partial(previews.open_preview, size_px),
            4.0,
            "its colours alone",
            rounds=30,
            unit="ms",
        )
        for size_px in previews.SIZES_PX
    ),
    Cost("a model seen again", partial(models.open_known_model, 1_000), 0.03),
    Cost("a model of 100 modules, for each", partial(models.open_models, 100, None), 0.08),
    *(
        Cost(
            f"a model of {modules:,} modules, for each",
            partial(models.open_models, modules, 100),
            2.0,
            "100 modules",
            rounds=6 if modules > 10_000 else 20,
        )
        for modules in models.MODULE_COUNTS[1:]
    ),
    Cost("import of the host's package", partial(WORKERS.open, "host"), 6_000, rounds=8, unit="s"),
    Cost("import of track", partial(WORKERS.open, "track"), 3_500, rounds=8, unit="s"),
    Cost(
        "start of the extension: its script",
        partial(WORKERS.open, "script"),
        6_000,
        rounds=8,
        target=START_S,
        unit="s",
    ),
    Cost(
        "start of the extension: settings, tab, routes",
        partial(WORKERS.open, "page"),
        10_000,
        rounds=4,
        unit="s",
    ),
)
