"""Counting and policy: what was launched, what is finished, when to wait. Standard library only.

Rooms: ``steps``, ``progress`` (one bar over a whole job), ``wishes`` (Stop, Skip, Pause), ``settings`` and
``records``. Beside them what all rooms use: clock, errors, phases, files, answers, and the guard, which
catches what fails in us and tells it once.
"""
