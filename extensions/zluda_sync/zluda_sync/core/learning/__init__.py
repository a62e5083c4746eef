"""What earlier jobs have taught: how long work takes, what comes of requests, how sure that is.

Standard library only.
"""
