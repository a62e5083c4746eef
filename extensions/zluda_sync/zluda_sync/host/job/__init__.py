"""SD.Next's requests and the job that runs: how it begins, is followed, and is remembered."""
