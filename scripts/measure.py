"""Measure every mode of the extension, and the host alone, on the emulated device. Makes its own environment.

python scripts/measure.py
python scripts/measure.py --quick --json figures.json
python scripts/measure.py --stop
python scripts/measure.py --cancels
python scripts/measure.py --previews
python scripts/measure.py --pictures
python scripts/measure.py --selftest
python scripts/measure.py --device
python scripts/measure.py --faults
python scripts/measure.py --soak
python scripts/measure.py --gpu
python scripts/measure.py --fuzz
python scripts/measure.py --settings
python scripts/measure.py --reports
python scripts/measure.py --tabs
python scripts/measure.py --saves
python scripts/measure.py --pipelines
python scripts/measure.py --grids
python scripts/measure.py --learning
python scripts/measure.py --estimates
python scripts/measure.py --unsynced
python scripts/measure.py --benchmarks
python scripts/measure.py --against --plot against.svg
"""

from __future__ import annotations

import importlib
import sys

#: Measurements of their own: module and function of each, and what it does instead of the table of modes.
OTHERS = {
    "stop": ("bench.campaigns.stops", "run_stop_campaign", "press Stop in every phase of 120 jobs instead"),
    "cancels": (
        "bench.campaigns.cancels",
        "run_cancel_campaign",
        "stop 1,000 requests by their ids, running and waiting, instead",
    ),
    "previews": ("bench.campaigns.previews", "run_preview_campaign", "measure previews instead"),
    "pictures": (
        "bench.campaigns.pictures",
        "run_picture_campaign",
        "judge the default model's pictures instead",
    ),
    "selftest": (
        "bench.campaigns.self_test",
        "run_self_tests",
        "try every way to wait for the device instead",
    ),
    "device": (
        "bench.campaigns.emulated_device",
        "run_emulated_device_campaign",
        "hold the emulated device itself to its targets instead",
    ),
    "devices": (
        "bench.campaigns.devices",
        "run_device_campaign",
        "measure on cards of every kind, presented by the emulated device, instead",
    ),
    "faults": ("bench.campaigns.faults", "run_fault_campaign", "inject every fault in every mode instead"),
    "soak": ("bench.campaigns.soak", "run_soak", "run hundreds of jobs at random instead"),
    "fuzz": (
        "bench.campaigns.fuzz",
        "run_fuzz_campaign",
        "give routes, settings and files hostile input instead",
    ),
    "settings": (
        "bench.campaigns.bad_settings",
        "run_bad_settings",
        "show what is said of settings that cannot be used instead",
    ),
    "reports": (
        "bench.campaigns.reports",
        "run_report_campaign",
        "make 10,000 reports on cards of hostile names and settings instead",
    ),
    "saves": (
        "bench.campaigns.saves",
        "run_saves_campaign",
        "save profiles beside the host's own saves instead",
    ),
    "tabs": ("bench.campaigns.tabs", "run_tab_campaign", "measure what open tabs cost instead"),
    "pipelines": (
        "bench.campaigns.pipelines",
        "run_pipeline_campaign",
        "follow every pipeline of diffusers by track instead",
    ),
    "grids": (
        "bench.campaigns.grids",
        "run_grids",
        "judge the bar over many cells, without a host instead",
    ),
    "learning": (
        "bench.campaigns.learning",
        "run_learning_campaign",
        "learn from simulated jobs in any order instead",
    ),
    "estimates": (
        "bench.campaigns.estimates",
        "run_estimate_campaign",
        "hold the estimates before jobs against what these take instead",
    ),
    "unsynced": (
        "bench.campaigns.unsynced",
        "run_unsynced_campaign",
        "hold 10,000 previews without the host's own sync against the truth instead",
    ),
    "benchmarks": (
        "bench.campaigns.costs",
        "run_cost_campaign",
        "measure what the extension costs, piece by piece, instead",
    ),
    "against": (
        "bench.campaigns.against",
        "run_against_campaign",
        "hold whole jobs against the host alone, other ways to know, and other bars instead",
    ),
    "gpu": (
        "bench.lane.gpu_lane",
        "run_gpu_lane",
        "measure networks of real sizes on the GPU at hand instead",
    ),
}


def main() -> int:
    """Return the command's exit code."""
    from pathlib import Path

    from bench.commands.command_line import OneLineParser, fail
    from bench.commands.environment import SetupError, VirtualEnvironment

    parser = OneLineParser(
        prog="measure.py",
        description="Measure bar, ETA, steps, previews and cost of every mode and of the host alone.",
        allow_abbrev=False,
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter steps: less than a minute")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    parser.add_argument(
        "--traces",
        type=Path,
        metavar="DIR",
        help="measure nothing: record the tests' golden traces here",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="with --against: draw it here, as SVG")
    for name, (_module, _function, what) in OTHERS.items():
        parser.add_argument(f"--{name}", action="store_true", help=what)
    options = parser.parse_args()
    if options.traces is not None and (options.quick or options.json is not None):
        fail("--traces measures nothing: leave out --quick and --json")
    others = [f"--{name}" for name in OTHERS if getattr(options, name)]
    if len(others) > 1:
        fail(f"{' and '.join(others)} are several measurements: run one after the other")
    if others and (options.json is not None or options.traces is not None):
        fail(f"{others[0]} prints its tables: leave out --json and --traces")
    if options.plot is not None and not options.against:
        fail("--plot draws what --against has measured: add that")
    try:
        VirtualEnvironment().enter(("host", "tests") if options.fuzz else ("host",), __file__, sys.argv[1:])
    except SetupError as failure:
        fail(str(failure))

    from bench.campaigns.modes import record_traces, run_campaign
    from bench.host.process import ends_in_one_line, import_extension, prepare_process

    prepare_process(draws_own_bar=True)
    if others:
        import_extension()
        module, function, _what = OTHERS[others[0].removeprefix("--")]
        run = getattr(importlib.import_module(module), function)
        drawn = () if options.plot is None else (options.plot,)
        return ends_in_one_line(lambda: int(run(options.quick, *drawn)))
    if options.traces is not None:
        return ends_in_one_line(lambda: record_traces(options.traces))
    return ends_in_one_line(lambda: run_campaign(options.quick, options.json))


if __name__ == "__main__":
    sys.exit(main())
