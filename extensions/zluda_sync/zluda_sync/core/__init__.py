"""Counting and policy: what was launched, what is finished, when to wait. Standard library only.

Rooms: ``steps``, ``progress`` (one bar over a whole job), ``wishes`` (Stop, Skip, Pause), ``settings`` and
``records``.
"""
