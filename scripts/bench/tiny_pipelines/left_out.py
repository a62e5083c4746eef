"""The families that have no tiny pipeline."""

from __future__ import annotations

LEFT_OUT = {
    "AudioDiffusionPipeline": "needs librosa",
    "ConsisIDPipeline": "needs opencv",
    "KolorsPipeline": "needs sentencepiece",
}
"""The name of a class, and why there is none of its family."""
