"""Our routes under ``/zluda_sync/v1``, one file for each subject; ``routes`` lists them all.

The status is one answer, which the panel, events and metrics share.
"""
