"""Learning when the device has finished a step: rungs, waits, proofs."""
