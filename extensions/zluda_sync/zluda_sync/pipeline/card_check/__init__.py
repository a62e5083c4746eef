"""The check of the user's card: fixed jobs, followed as any other, and held against what is true of them.

``fixed_job`` is what is computed, ``truth`` when it was, ``observed_job`` what was told of it, ``card_check``
the whole proof, and ``checking`` when it runs.
"""
