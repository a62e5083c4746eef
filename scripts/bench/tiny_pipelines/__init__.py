"""Pipelines of many families of diffusers, so small that a CPU runs one in a moment; no downloads."""

from .classes import Classes, every_class
from .left_out import LEFT_OUT
from .registry import FAMILIES, STAND_INS, TinyPipeline, build, names

__all__ = ["FAMILIES", "LEFT_OUT", "STAND_INS", "Classes", "TinyPipeline", "build", "every_class", "names"]
