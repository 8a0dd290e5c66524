"""The limit of a fit reaches each BLAS that the fit uses, also where nothing had loaded it before."""

import os
import subprocess
import sys

LIBRARIES = """
from threadpoolctl import threadpool_info
from imgsim.features.blas import one_blas_thread
with one_blas_thread("scipy.linalg"):
    import faiss, numpy, scipy.linalg
    found = {part["filepath"]: part["num_threads"] for part in threadpool_info() if part["user_api"] == "blas"}
print(len(found), set(found.values()))
"""


def test_libraries_that_a_fit_loads_are_limited():
    threads = {"OPENBLAS_NUM_THREADS": "3", "OMP_NUM_THREADS": "3", "MKL_NUM_THREADS": "3"}
    told = subprocess.check_output([sys.executable, "-c", LIBRARIES], env=os.environ | threads, text=True)
    number, values = told.split(maxsplit=1)
    assert int(number) >= 1
    assert values == "{1}\n"
