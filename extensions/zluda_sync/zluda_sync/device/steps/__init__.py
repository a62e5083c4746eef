"""When has the device finished a step? Rungs are ways to learn it, the ladder tries them, the barrier waits.

The watcher looks at marks, the judge holds reports against proof, and the self-test tries every rung; the
trust book keeps what it found.
"""
