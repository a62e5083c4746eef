"""Train the models that the repository brings, anew: shapes, and films of shapes. Makes its own environment.

python scripts/train_model.py
python scripts/train_model.py --moving
python scripts/train_model.py --toy
"""

from __future__ import annotations

import sys
from typing import Any


def main() -> int:
    """Return the command's exit code."""
    from pathlib import Path

    from bench.commands.command_line import OneLineParser, fail
    from bench.commands.environment import REPOSITORY, SetupError, VirtualEnvironment

    parser = OneLineParser(
        prog="train_model.py",
        description="Train the model of shapes; may be stopped, and goes on where it was.",
        allow_abbrev=False,
    )
    data = REPOSITORY / ".host"
    parser.add_argument("--moving", action="store_true", help="the model of moving shapes, which makes films")
    parser.add_argument(
        "--toy", action="store_true", help="a minute's training that shows nothing but that it runs"
    )
    parser.add_argument(
        "--state", type=Path, metavar="DIR", help="keep what is half-done here (default: in .host)"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the model here (default: in modules)")
    options = parser.parse_args()
    try:
        VirtualEnvironment().enter(("host",), __file__, sys.argv[1:])
    except SetupError as failure:
        fail(str(failure))

    from bench.host.process import ends_in_one_line, prepare_process
    from bench.terminal.bar import TerminalBar

    prepare_process(draws_own_bar=True)
    published = REPOSITORY / "modules" / ("moving_shapes" if options.moving else "shapes_model")
    kind = ("moving-" if options.moving else "") + ("toy" if options.toy else "shapes")
    state = options.state or data / f"training-{kind}"
    # The toy must never take the place of the model.
    out = options.out or (data / f"{kind}_model".replace("-", "_") if options.toy else published)

    def run() -> int:
        from shapes.publishing import publish

        bar = TerminalBar()
        try:
            pipeline = _train(options.moving, options.toy, state, bar.show)
        finally:
            bar.close()
        size = publish(pipeline, out)
        print(f"model: {out} ({size / 1e6:.1f} MB)")
        return 0

    try:
        return ends_in_one_line(run)
    except (OSError, ValueError) as error:
        fail(str(error))


def _train(is_moving: bool, is_toy: bool, state: Any, show: Any) -> Any:
    if is_moving:
        from shapes.moving_recipe import MOVING_SHAPES, MOVING_TOY, train_moving

        return train_moving(MOVING_TOY if is_toy else MOVING_SHAPES, state, show)
    from shapes.recipe import SHAPES_MODEL, TOY, train

    return train(TOY if is_toy else SHAPES_MODEL, state, show)


if __name__ == "__main__":
    sys.exit(main())
