"""The real SD.Next of the user's, started with an asynchronous device under it, and its client."""
