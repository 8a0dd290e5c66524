"""The homes that the faults start from, made once."""

import pytest

from tests.faults.homes import Homes, make_homes


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Homes:
    """Made by one undisturbed run."""
    return make_homes(tmp_path_factory.mktemp("faults"))
