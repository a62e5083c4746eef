"""What is kept: a record of each job with its parts and bars, told as answers, as a trace and in metrics.

And the report of a self-test.
"""
