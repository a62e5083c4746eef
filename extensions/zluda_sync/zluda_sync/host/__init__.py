"""The SD.Next ring: ``entry`` registers the session, which puts all together and decides whether to act.

Rooms: ``hooks`` on its names, ``job`` that runs, ``preview``, ``profiles`` and ``api``. ``sdnext`` is the one
place that names what is used of the host.
"""
