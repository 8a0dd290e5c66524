"""One file per page; each shows what `dashboards.opening.opened` gives."""
