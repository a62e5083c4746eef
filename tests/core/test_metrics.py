"""Prometheus' text format, held against Prometheus' own parser."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from zluda_sync.core.records.metrics import Family, Histogram, write_families

#: The parser takes more for the end of a line than the format does.
LINE_ENDS = "\r\x1c\x1d\x1e\x85\x0b\x0c\u2028\u2029"
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=LINE_ENDS))


def parse(*families):
    return {
        (sample.name, tuple(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(write_families(families))
        for sample in family.samples
    }


@given(TEXT, st.floats(allow_nan=False), TEXT)
def test_what_is_written_is_read(label, value, text):
    """Whatever a device is called: quotes, backslashes and line ends are escaped."""
    family = Family("zluda_sync_info", "gauge", text, (("", {"device": label, "mode": "a"}, value),))
    assert {("zluda_sync_info", (("device", label), ("mode", "a"))): value} == parse(family)


def test_a_family_without_samples_is_still_described():
    """What is unknown has no sample, not a zero."""
    assert {} == parse(Family("zluda_sync_eta_seconds", "gauge", "That a job takes."))
    assert "# TYPE zluda_sync_eta_seconds gauge\n" in Family("zluda_sync_eta_seconds", "gauge", "x").write()


@given(st.lists(st.floats(min_value=0, max_value=1e6)))
def test_buckets_add_up(durations_s):
    """Each holds all that is not above its bound; the last holds all."""
    histogram = Histogram((0.1, 1.0, 60.0))
    for seconds in durations_s:
        histogram.observe(seconds)
    samples = parse(histogram.family("zluda_sync_step_seconds", "x"))
    name = "zluda_sync_step_seconds"
    for bound, word in ((0.1, "0.1"), (1.0, "1"), (60.0, "60"), (math.inf, "+Inf")):
        expected = sum(seconds <= bound for seconds in durations_s)
        assert expected == samples[f"{name}_bucket", (("le", word),)]
    assert len(durations_s) == samples[f"{name}_count", ()]
    assert sum(durations_s) == pytest.approx(samples[f"{name}_sum", ()])
