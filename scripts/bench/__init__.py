"""Shared code of the commands beside this folder: environment, measurement, figures, table.

It is a folder of its own because SD.Next executes every file lying directly in `scripts/`.
"""
