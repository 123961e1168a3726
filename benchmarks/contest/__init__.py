"""What the benchmarks share: one JSON object a line, and contestants in processes of their own that take turns."""
