"""The check of the user's card: fixed jobs, followed as any other, and held against what is true of them.

``fixed_job`` is what is computed, ``truth`` when it was, ``observed_job`` follows it, and ``observer`` looks
on; ``card_check`` is the whole proof, and ``checking`` when it runs.
"""
