"""Measure every mode of the extension, and the host alone, on the emulated device. Makes its own environment.

python scripts/measure.py
python scripts/measure.py --quick --json figures.json
python scripts/measure.py --stop
python scripts/measure.py --previews
python scripts/measure.py --selftest
python scripts/measure.py --faults
python scripts/measure.py --soak
python scripts/measure.py --gpu
python scripts/measure.py --fuzz
"""

from __future__ import annotations

import sys

OTHER_MEASUREMENTS = ("stop", "previews", "selftest", "faults", "soak", "fuzz", "gpu")


def main() -> int:
    """Return the command's exit code."""
    from pathlib import Path

    from bench.command_line import OneLineParser, fail
    from bench.environment import SetupError, VirtualEnvironment

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
    parser.add_argument("--stop", action="store_true", help="press Stop in every phase of 120 jobs instead")
    parser.add_argument("--previews", action="store_true", help="measure previews instead")
    parser.add_argument(
        "--selftest", action="store_true", help="try every way to wait for the device instead"
    )
    parser.add_argument("--gpu", action="store_true", help="measure bare loops on the GPU at hand instead")
    parser.add_argument("--soak", action="store_true", help="run hundreds of jobs at random instead")
    parser.add_argument("--faults", action="store_true", help="inject every fault in every mode instead")
    parser.add_argument("--fuzz", action="store_true", help="give routes, settings and files hostile input")
    options = parser.parse_args()
    if options.traces is not None and (options.quick or options.json is not None):
        fail("--traces measures nothing: leave out --quick and --json")
    others = [f"--{name}" for name in OTHER_MEASUREMENTS if getattr(options, name)]
    if len(others) > 1:
        fail(f"{' and '.join(others)} are several measurements: run one after the other")
    if others and (options.json is not None or options.traces is not None):
        fail(f"{others[0]} prints its tables: leave out --json and --traces")
    try:
        VirtualEnvironment().enter(("host", "tests") if options.fuzz else ("host",), __file__, sys.argv[1:])
    except SetupError as failure:
        fail(str(failure))

    from bench.campaign import record_traces, run_campaign
    from bench.host import ends_in_one_line, import_extension, prepare_process

    prepare_process(draws_own_bar=True)
    if options.stop:
        from bench.stop_campaign import run_stop_campaign

        return ends_in_one_line(lambda: run_stop_campaign(options.quick))
    if options.previews:
        from bench.preview_campaign import run_preview_campaign

        return ends_in_one_line(lambda: run_preview_campaign(options.quick))
    if options.faults:
        from bench.fault_campaign import run_fault_campaign

        return ends_in_one_line(lambda: run_fault_campaign(options.quick))
    if options.gpu:
        import_extension()
        from bench.gpu_lane import run_gpu_lane

        return ends_in_one_line(lambda: run_gpu_lane(options.quick))
    if options.selftest:
        import_extension()
        from bench.self_test_campaign import run_self_tests

        return ends_in_one_line(run_self_tests)
    if options.soak:
        from bench.soak import run_soak

        return ends_in_one_line(lambda: run_soak(options.quick))
    if options.fuzz:
        from bench.fuzz_campaign import run_fuzz_campaign

        return ends_in_one_line(lambda: run_fuzz_campaign(options.quick))
    if options.traces is not None:
        return ends_in_one_line(lambda: record_traces(options.traces))
    return ends_in_one_line(lambda: run_campaign(options.quick, options.json))


if __name__ == "__main__":
    sys.exit(main())
