import subprocess
import sys

import pytest

import imgsim
from imgsim import errors


def test_everything_promised_is_there():
    for name in imgsim.__all__:
        assert getattr(imgsim, name) is not None
    assert sorted(imgsim.__all__, key=str.lower) == sorted(dir(imgsim), key=str.lower)


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'SFrame'"):
        imgsim.SFrame  # noqa: B018


def test_import_loads_nothing_heavy():
    code = (
        "import sys, imgsim; heavy = {'torch', 'torchvision', 'mlflow', 'numba', 'pandas', 'pyarrow', 'onnxruntime', "
        "'coremltools', 'dagster', 'streamlit', 'matplotlib'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_error_is_public_and_an_imgsim_error():
    public = {name for name in imgsim.__all__ if name.endswith("Error")}
    assert public == {name for name in vars(errors) if name.endswith("Error")}
    assert all(issubclass(getattr(imgsim, name), imgsim.ImgsimError) for name in public)
