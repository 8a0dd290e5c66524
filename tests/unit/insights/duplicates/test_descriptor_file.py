import numpy as np

from imgsim.insights.descriptor import BYTES
from imgsim.insights.duplicates.descriptor_file import DescriptorFile


def test_rows_come_back_in_any_order_and_any_number_of_times(rng):
    descriptors = rng.integers(0, 256, (7, BYTES), np.uint8)
    wanted = np.array([4, 0, 4, 6])
    with DescriptorFile() as file:
        file.write(np.array([5, 6, 0]), descriptors[[5, 6, 0]])
        file.write(np.array([4]), descriptors[[4]])
        assert np.array_equal(file[wanted], descriptors[wanted])
        assert file[wanted[:0]].shape == (0, BYTES)


def test_it_has_no_name(home, rng):
    before = set(home.iterdir())
    with DescriptorFile() as file:
        file.write(np.array([0]), rng.integers(0, 256, (1, BYTES), np.uint8))
        assert set(home.iterdir()) == before
