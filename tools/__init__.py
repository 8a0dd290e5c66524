"""Programs for those who develop imgsim; not in the wheel."""
