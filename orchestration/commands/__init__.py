"""The commands ``imgsim run`` and ``imgsim ui``; `imgsim.cli` finds them by their entry points.

    run.py            the command: images in, registered model out
    pipeline_run.py   one run of the pipeline in this process, and what is told meanwhile
    run_summary.py    what a run gave, as text
    ui.py             the command: Dagster, MLflow and the dashboard together
    servers.py        processes that start, answer and end together
    extras.py         the packages that both need

``run.py`` and ``ui.py`` import nothing heavy: ``imgsim --help`` loads them.
"""
