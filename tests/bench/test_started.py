"""The speed at which a measurement starts its host."""

from __future__ import annotations

from bench.host.started import Speed


def test_the_host_reads_a_speed_as_it_was_meant():
    """Each of its times, on the emulated device."""
    from modules.webui import parser

    told = parser.parse_args(Speed(step_ms=10, encode_ms=2.5, decode_ms=0).build_host_arguments())
    assert ("emulated", 10, 2.5, 0) == (told.device, told.step_ms, told.encode_ms, told.decode_ms)
