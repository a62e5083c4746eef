"""Stand-in for SD.Next's modules/api/validate.py: a route's cost; there is no rate limit here."""

request_cost: dict[str, int] = {"/internal/progress": 0, "/sdapi/v1/txt2img": 5}
