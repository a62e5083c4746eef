"""What the extension costs: each cost is defined once, for the tests in `tests/benchmarks` and for the table.

- `cost`: what a cost is, and how it is held against something of the same run.
- `hooks`, `progress`, `previews`, `models`, `starts`: the costs by what they are of.
- `hook_in_job`: the hook in whole jobs, which no bar holds.
- `all_costs`: all of them, in the order of the table.
"""
