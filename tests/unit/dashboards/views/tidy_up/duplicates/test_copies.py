import pytest

from dashboards.services.decided import decided
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.tidy import duplicate_groups
from dashboards.views.tidy_up.duplicates.copies import TILES, Choices, OfGroup, described, parse_choices, parse_group


def test_choices_about_rows_that_are_shown_count():
    assert parse_choices({"keep": [4, 2], "spare": [7, 99, -1, True, "4"]}, {2, 4, 7}) == Choices((4, 2), (7,))


@pytest.mark.parametrize("sent", [None, [], {}, {"keep": [9]}, {"keep": [2], "spare": [2]}, {"keep": "2"}])
def test_choices_that_make_no_sense_are_none(sent: object):
    assert parse_choices(sent, {2, 4}) is None


def test_decisions_about_a_group_are_those_that_are_offered():
    assert parse_group({"act": "accept", "row": 4}, ["accept"], {4}) == OfGroup("accept", 4)
    for sent in ({"act": "different", "row": 4}, {"act": "accept", "row": 5}, {"act": "accept", "row": True}, None):
        assert parse_group(sent, ["accept"], {4, 1}) is None


def test_of_a_large_group_the_first_copies_are_sent_and_the_others_counted(loaded: Loaded):
    groups = duplicate_groups.parts(loaded, decided(loaded), "same_picture")["left"][:1]
    table = duplicate_groups.group_table(loaded, decided(loaded), "same_picture", groups)
    many = table.loc[table.index.repeat(TILES)]
    sent = described(loaded, [many], ["accept"])["groups"][0]
    assert len(sent["copies"]) == TILES
    assert sent["more"] == int(many["keep"].iloc[TILES:].sum())
    assert f"{len(many)} copies, the first {TILES} shown" in sent["words"]
    assert sent["copies"][0]["keep"]
    assert not sent["copies"][0]["decided"]
