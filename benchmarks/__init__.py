"""Speed beside the tools that people would use instead; `python -m benchmarks` prints a table."""
