"""What is kept of jobs and self-tests: records, traces, metrics."""
