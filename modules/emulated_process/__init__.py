"""The emulated device's own process: what runs there, and how host and device speak to each other.

It is started as ``python -m modules.emulated_process`` by ``modules.emulated_device`` and ends with its host.
"""
