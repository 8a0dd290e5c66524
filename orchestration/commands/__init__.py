"""The commands ``imgsim run``, ``ui`` and ``forget``; `imgsim.cli` finds them by their entry points.

    run.py            the command: images in, registered model out
    pipeline_run.py   one run of the pipeline in this process, and its progress
    run_summary.py    summary of a run, as text
    ui.py             the command: Dagster, MLflow and the dashboard together
    servers.py        server processes, started and stopped together
    forget.py         the command: remove a collection or a picture
    forget_plan.py    what it removes, and the removal
    forget_runs.py    the removal from Dagster's records
    extras.py         the check for packages that all need

``run.py``, ``ui.py`` and ``forget.py`` import nothing heavy: ``imgsim --help`` loads them.
"""
