"""Pipelines of many families of diffusers, so small that a CPU runs one in a moment; no downloads."""

from .registry import TinyPipeline, build, names

__all__ = ["TinyPipeline", "build", "names"]
