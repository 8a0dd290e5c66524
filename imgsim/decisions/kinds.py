"""Kinds of decisions: the names of what people decide about pictures, and of the actions they do it by.

    kind        about              value
    label       a picture          the label
    tag         a picture, a tag   "tagged"
    copy        a picture          "keep" or "spare", with the group of copies in which it was decided, if known
    file        a file             "keep" or "spare": one of several with the same bytes, by its path
    reviewed    a picture          "reviewed"
    pair        two pictures       "alike" or "not_alike"
    duplicates  two pictures       "not_duplicates"

Of several decisions about the same thing the last one counts. A value of None takes the earlier ones back.
"""

from enum import StrEnum


class Kind(StrEnum):
    """Things that are decided, of which each has one current value per picture, picture and tag, or pair."""

    LABEL = "label"
    TAG = "tag"
    COPY = "copy"
    FILE = "file"
    REVIEWED = "reviewed"
    PAIR = "pair"
    DUPLICATES = "duplicates"


TAGGED = "tagged"
KEEP, SPARE = "keep", "spare"
REVIEWED = "reviewed"
ALIKE, NOT_ALIKE = "alike", "not_alike"
NOT_DUPLICATES = "not_duplicates"

MARKS = {KEEP: Kind.COPY, SPARE: Kind.COPY, REVIEWED: Kind.REVIEWED, NOT_DUPLICATES: Kind.DUPLICATES}
"""Marks that `Decisions.mark` takes, with their kinds."""
PAIR_VALUES = {ALIKE: Kind.PAIR, NOT_ALIKE: Kind.PAIR, NOT_DUPLICATES: Kind.DUPLICATES}
"""Decisions about two pictures, with their kinds."""

UNDO, REDO, FORGET, IMPORT = "undo", "redo", "forget", "import"
"""Actions besides those that are called as what they decide."""
