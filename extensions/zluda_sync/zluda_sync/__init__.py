"""Report what the GPU has finished, not what the host has queued.

Three rings; imports point inwards only:

- ``core``    counting and policy, standard library only
- ``device``  events, barriers and latents, on torch
- ``host``    SD.Next: hooks, settings, progress fields
"""

__version__ = "0.1.0"
