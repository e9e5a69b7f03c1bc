"""Parts of the benchmark speed.py: the ways to search, the schedule of runs, tables and chart."""
