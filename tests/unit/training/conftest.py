"""A teacher, and photos that it was asked about."""

from pathlib import Path

import pytest
import torch

import imgsim
from training.photos import PhotoSet, prepare
from training.teacher import Teacher


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    return Teacher("mini")


@pytest.fixture(scope="module")
def photo_set(tiny_images: Path, tmp_path_factory: pytest.TempPathFactory, teacher: Teacher) -> PhotoSet:
    return prepare(
        imgsim.load_images(tiny_images), tmp_path_factory.mktemp("work"), teacher, views=2, side=48, progress=False
    )
