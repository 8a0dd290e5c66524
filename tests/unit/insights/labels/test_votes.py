import numpy as np

from imgsim.insights.labels.votes import OTHERS_PRIOR, OWN_PRIOR, TRUST, NeighborVotes, vote_weights
from imgsim.neighbors.graph import build_graph


def test_near_neighbours_weigh_more_and_copies_share_one_vote(rng):
    matrix = rng.normal(size=(30, 8)).astype(np.float32)
    matrix = np.concatenate([matrix, np.repeat(matrix[:1], 4, axis=0)])
    graph = build_graph(matrix, 6)
    weights, copies = vote_weights(matrix, graph)
    asker = next(i for i in range(1, 30) if {0, 30, 31, 32, 33} <= set(graph.neighbors[i].tolist()))
    of_copies = np.isin(graph.neighbors[asker], [0, 30, 31, 32, 33])
    distance = graph.distances[asker][of_copies][0] / np.median(graph.distances)
    np.testing.assert_allclose(weights[asker][of_copies].sum(), np.exp(-((distance / 0.8) ** 2) / 2), rtol=0.1)
    assert (weights[0, :4] < 1e-5).all(), "copies of the image itself do not confirm its label"
    np.testing.assert_allclose(copies[[0, 30, 31, 32, 33]], 5, atol=0.2)
    assert copies[1:30].max() < 1.5


def test_odds_agree_with_the_formula_written_out(rng):
    n, k = 40, 5
    codes = rng.integers(0, 4, n)
    graph = build_graph(rng.normal(size=(n, 3)).astype(np.float32), k)
    weights = rng.random((n, k))
    judged = np.array([True, True, True, False])
    planted = (codes[None] + 1) % 3
    found = NeighborVotes(codes, judged, codes[graph.neighbors], weights, np.ones(n)).evidence(planted)
    for i in range(n):
        odds, best = _by_hand(i, int(codes[i]), codes, judged, graph.neighbors, weights)
        np.testing.assert_allclose(found.odds[i], odds)
        assert found.best[i] == best
        np.testing.assert_allclose(
            found.planted[0, i], _by_hand(i, int(planted[0, i]), codes, judged, graph.neighbors, weights)[0]
        )


def _by_hand(i, asked, codes, judged, neighbors, weights):
    others = [row for row in range(len(codes)) if row != i]
    common = np.bincount(codes[neighbors].reshape(-1), weights.reshape(-1), 4) / weights.sum()
    agreeing = np.array([weights[row][codes[neighbors[row]] == codes[row]].sum() for row in range(len(codes))])
    cast = weights.sum(axis=1)
    usual = agreeing.sum() / cast.sum()
    trust = np.minimum((agreeing + usual) / (cast + 1) / usual, 1) ** (TRUST * usual**4)
    agree = (trust * agreeing).sum() / (trust * cast).sum()
    of_others = OTHERS_PRIOR * usual**4

    def fit(label):
        rows = [row for row in others if codes[row] == label]
        total, own = (trust * cast)[rows].sum(), (trust * agreeing)[rows].sum()
        rate = (own + OWN_PRIOR * agree) / (total + OWN_PRIOR)
        log = np.log(max(len(rows), 0.5))
        for vote, weight in zip(codes[neighbors[i]], weights[i], strict=True):
            count = sum(trust[row] * weights[row][codes[neighbors[row]] == vote].sum() for row in rows)
            other = (count + of_others * common[vote]) / (total - own + of_others * (1 - common[label]))
            log += weight * np.log(rate if vote == label else (1 - rate) * other)
        return log

    unlike_all = sum(w * np.log(common[v]) for v, w in zip(codes[neighbors[i]], weights[i], strict=True))
    rivals = {label: fit(label) for label in sorted(set(codes[neighbors[i]])) if label != asked and judged[label]}
    best = max(rivals, key=rivals.get) if rivals else -1
    return np.logaddexp.reduce([*rivals.values(), unlike_all]) - fit(asked), best


def test_a_usual_vote_says_less_than_an_unusual_one():
    """Images of ``a`` have one ``b`` among their neighbours, and never a ``c``."""
    size = 300
    codes = np.repeat([0, 1, 2], size)
    voted = np.repeat(codes[:, None], 3, axis=1)
    voted[:size, 2] = 1
    voted[0, 1] = 1  # a second vote for b
    voted[1, 1] = 2  # a vote for c
    found = NeighborVotes(codes, np.ones(3, bool), voted, np.ones((3 * size, 3)), np.ones(3 * size))
    odds = found.evidence(np.empty((0, 3 * size), np.int64)).odds
    assert odds[1] > odds[0] > odds[5]


def test_blocks_do_not_change_the_answer(rng, monkeypatch):
    codes = rng.integers(0, 5, 300)
    matrix = rng.normal(size=(300, 6)).astype(np.float32)
    graph = build_graph(matrix, 8)
    planted = (codes[None] + 1) % 5

    def odds():
        hoods = NeighborVotes(codes, np.ones(5, bool), codes[graph.neighbors], *vote_weights(matrix, graph))
        return hoods.evidence(planted).odds

    whole = odds()
    monkeypatch.setattr("imgsim.insights.labels.votes.BLOCK_BYTES", 8 * 8 * 14 * 7)
    np.testing.assert_allclose(odds(), whole)
