"""The embedded host in this process: started at a chosen speed, given jobs, broken on purpose."""
