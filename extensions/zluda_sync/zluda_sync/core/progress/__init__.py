"""One bar over a whole job: its shape, its parts, what each may take, and the snapshot that is shown of it.

``durations`` keeps what finished jobs took.
"""
