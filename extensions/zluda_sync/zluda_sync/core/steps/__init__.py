"""How far the device has come: the ledger counts launches and completions, the policy says when to wait.

Other work on the device is counted too, for whoever times it.
"""
