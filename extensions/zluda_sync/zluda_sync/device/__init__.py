"""The device ring, on torch: ``steps`` learns when a step is finished, ``preview`` makes a picture of it.

Knows nothing of pipelines or of any host.
"""
