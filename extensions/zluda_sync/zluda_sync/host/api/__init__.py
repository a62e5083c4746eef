"""Our routes under /zluda_sync/v1."""
