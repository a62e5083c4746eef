"""The request and the job that run now."""
