"""The commands ``imgsim run`` and ``imgsim ui``; `imgsim.cli` finds them by their entry points.

    run.py            the command: images in, registered model out
    pipeline_run.py   one run of the pipeline in this process, and its progress
    run_summary.py    summary of a run, as text
    ui.py             the command: Dagster, MLflow and the dashboard together
    servers.py        server processes, started and stopped together
    extras.py         the check for packages that both need

``run.py`` and ``ui.py`` import nothing heavy: ``imgsim --help`` loads them.
"""
