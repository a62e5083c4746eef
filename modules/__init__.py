"""Embedded host: a small stand-in for SD.Next, with SD.Next's import names. It is not SD.Next.

Do not unpack this repository over an SD.Next tree: this package would replace SD.Next's own `modules`.
Copy only `extensions/zluda_sync`.
"""
