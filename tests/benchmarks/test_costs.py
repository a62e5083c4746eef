"""What the extension costs, each cost held against something of the same run: no machine is slow or fast."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bench.costs.all_costs import COSTS
from bench.costs.cost import Cost, Rounds, steady
from bench.costs.starts import WORKERS


@pytest.fixture(scope="module", autouse=True)
def worker_ends() -> Iterator[None]:
    """The host in a process of its own, where one was started, does not outlive these tests."""
    yield
    WORKERS.close()


@pytest.mark.benchmark
@pytest.mark.parametrize("cost", COSTS, ids=lambda cost: cost.what)
def test_a_cost_is_below_its_bar(cost: Cost, benchmark: Any):
    """The fastest round takes no longer than so many of the fastest rounds of what it is held against."""
    if benchmark.disabled:
        pytest.skip("benchmarks are off: beside other tests no round would be undisturbed")
    with cost.open() as pair, steady():
        rounds = Rounds(pair)
        benchmark.pedantic(rounds.do_work, setup=rounds.do_other, rounds=cost.rounds)
    benchmark.extra_info.update(ratio=rounds.ratio, against=cost.against)
    assert rounds.ratio <= cost.bar, f"{rounds.ratio:.3g} times {cost.against}"
