"""The families that cannot have a tiny pipeline here."""

from __future__ import annotations

LEFT_OUT = {
    "AudioDiffusionPipeline": "needs librosa",
    "ConsisIDPipeline": "needs opencv",
    "Cosmos2TextToImagePipeline": "needs cosmos_guardrail, and every other of Cosmos does",
    "DiffusionGemmaPipeline": "writes text, by a processor that only comes with a checkpoint",
    "FlaxStableDiffusionPipeline": "needs flax",
    "KolorsPipeline": "needs sentencepiece",
    "LLaDA2Pipeline": "writes text, by a model whose code only comes with a checkpoint",
    "OmniGenPipeline": "needs torchvision",
    "OnnxStableDiffusionPipeline": "needs onnx",
    "SpectrogramDiffusionPipeline": "needs note_seq",
}
"""The name of a class, and why there is none of its family."""
