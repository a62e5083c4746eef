"""Train the model of coloured shapes that the embedded host brings, anew. Makes its own environment.

python scripts/train_model.py
python scripts/train_model.py --toy
"""

from __future__ import annotations

import sys


def main() -> int:
    """Return the command's exit code."""
    from pathlib import Path

    from bench.commands.command_line import OneLineParser, fail
    from bench.commands.environment import REPOSITORY, SetupError, VirtualEnvironment

    parser = OneLineParser(
        prog="train_model.py",
        description="Train the embedded host's model; may be stopped, and goes on where it was.",
        allow_abbrev=False,
    )
    data = REPOSITORY / ".host"
    published = REPOSITORY / "modules" / "shapes_model"
    parser.add_argument(
        "--toy", action="store_true", help="a minute's training that shows nothing but that it runs"
    )
    parser.add_argument(
        "--state", type=Path, metavar="DIR", help="keep what is half-done here (default: in .host)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help=f"write the model here (default: {published.name})"
    )
    options = parser.parse_args()
    try:
        VirtualEnvironment().enter(("host",), __file__, sys.argv[1:])
    except SetupError as failure:
        fail(str(failure))

    from bench.host.process import ends_in_one_line, prepare_process
    from bench.terminal.bar import TerminalBar

    prepare_process(draws_own_bar=True)
    kind = "toy" if options.toy else "shapes"
    state = options.state or data / f"training-{kind}"
    # The toy must never take the place of the model.
    out = options.out or (data / "toy_model" if options.toy else published)

    def run() -> int:
        from shapes.publishing import publish
        from shapes.recipe import SHAPES_MODEL, TOY, train

        bar = TerminalBar()
        try:
            pipeline = train(TOY if options.toy else SHAPES_MODEL, state, bar.show)
        finally:
            bar.close()
        size = publish(pipeline, out)
        print(f"model: {out} ({size / 1e6:.1f} MB)")
        return 0

    try:
        return ends_in_one_line(run)
    except (OSError, ValueError) as error:
        fail(str(error))


if __name__ == "__main__":
    sys.exit(main())
