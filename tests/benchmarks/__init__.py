"""What imgsim costs: CPU seconds, latency, memory, and how good the neighbours are. Run by ``make bench``.

One file per question; each has ``measure(settings) -> rows`` and runs in a process of its own
(`tests.benchmarks.child`), on one core and one BLAS thread (``rerun``: as a user would run it), with
an empty IMGSIM_HOME shared by the benchmarks of one run. Nothing is asserted: machines differ.
"""
