import pytest

import imgsim
from imgsim.neighbors.partitioned.plan import Partitioning


def test_ranges_cover_every_row_once():
    plan = Partitioning(shard_rows=7).plan(50, 4, 3, 0)
    assert [row for shard in range(plan.shards) for row in range(*plan.range(shard))] == list(range(50))


def test_what_fits_into_one_partition_is_not_divided():
    plan = Partitioning(size=10).plan(20, 4, 3, 0)
    assert (plan.partitions, plan.copies) == (1, 1)
    assert Partitioning(size=10, overlap=2).plan(21, 4, 3, 0).partitions == 5


def test_the_digest_follows_content_and_plan():
    plan = Partitioning().plan(50, 4, 3, 0)
    digests = {
        plan.digest("a"),
        plan.digest("b"),
        Partitioning().plan(50, 4, 3, 1).digest("a"),
        Partitioning(size=9).plan(50, 4, 3, 0).digest("a"),
    }
    assert len(digests) == 4
    assert Partitioning(cap=4096).plan(50, 4, 3, 0).digest("a") == plan.digest("a")


@pytest.mark.parametrize(
    "wrong", [{"size": 0}, {"overlap": 0}, {"cap": 0}, {"shard_rows": -1}, {"rounds": 0}, {"size": 10, "cap": 9}]
)
def test_numbers_outside_their_domain_are_refused(wrong):
    with pytest.raises(imgsim.ArgumentError, match=next(iter(wrong))):
        Partitioning(**wrong).plan(50, 4, 3, 0)


def test_numbers_of_another_type_are_refused():
    with pytest.raises(imgsim.ArgumentTypeError, match="overlap"):
        Partitioning(overlap=1.5).plan(50, 4, 3, 0)
