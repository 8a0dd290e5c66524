import numpy as np

from imgsim.insights.duplicates.groups import centred_groups


def within(values: np.ndarray, reach: float):
    return lambda centre, rows: np.abs(values[rows] - values[centre]) <= reach


def test_components_become_groups_largest_first():
    a, b = np.array([8, 1, 2, 5]), np.array([9, 2, 3, 6])
    groups = centred_groups(a, b, lambda _, rows: np.ones(len(rows), bool))
    assert [group.tolist() for group in groups] == [[1, 2, 3], [5, 6], [8, 9]]


def test_a_chain_is_cut_where_likeness_with_the_centre_ends():
    values = np.arange(4000) * 0.5
    groups = centred_groups(np.arange(3999), np.arange(1, 4000), within(values, 1.0))
    assert max(len(group) for group in groups) <= 5
    assert all(np.ptp(values[group]) <= 2.0 for group in groups)
    rows = np.concatenate(groups)
    assert len(rows) == len(set(rows.tolist())) > 3000


def test_members_that_are_linked_only_through_others_belong_too():
    values = np.zeros(6)
    groups = centred_groups(np.array([0, 1, 2, 3]), np.array([1, 2, 3, 5]), within(values, 0.1))
    assert [group.tolist() for group in groups] == [[0, 1, 2, 3, 5]]


def test_no_pairs_no_groups():
    assert centred_groups(np.empty(0, int), np.empty(0, int), within(np.zeros(1), 1)) == []


def test_a_row_that_agrees_with_nobody_is_left_out():
    assert centred_groups(np.array([0]), np.array([1]), within(np.array([0.0, 9.0]), 1)) == []
