"""One bar over a whole job: parts, shapes, forecasts, what was learned."""
