"""One bar over all that one press makes: shapes, parts, cells, forecast, and the snapshot that is shown."""
