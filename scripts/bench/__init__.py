"""Shared code of the commands beside this folder, in rooms by what it does.

- `commands`: what each command does first: options, environment; and the repository's checks.
- `terminal`: what is shown on a terminal: the bar, tables.
- `host`: the embedded host in this process, at a chosen speed, with jobs and faults for it.
- `truth`: what a job's client was told, what the device truly did, and the figures of the two.
- `campaigns`: the measurements of `measure.py`, a module for each.
- `costs`: what the extension costs, each cost defined once, for a campaign and for `tests/benchmarks`.
- `reports`: reports on cards that strangers have sent: read, checked, and merged into the page of cards.
- `lane`: networks of real sizes on a real GPU, each part in a process of its own; and the pack that travels.
- `card`: the check of the card at hand, without any host.
- `updates`: the last versions of the extension, one after the other over one data folder.
- `real_host` and `differential`: the real SD.Next, and the extension held against it.

It is a folder of its own because SD.Next executes every file lying directly in `scripts/`.
"""
