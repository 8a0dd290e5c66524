"""``imgsim label``, ``tag`` and ``mark``: decide about pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from imgsim.arguments import one_of
from imgsim.cli.console import emit, say
from imgsim.cli.decisions.pictures import By, Pictures, Within, open_place, sha256s
from imgsim.cli.load import AsJson

if TYPE_CHECKING:
    from imgsim.decisions import Decisions


def label(
    text: Annotated[str, typer.Argument(metavar="LABEL", help="The label; with --take-back a PICTURE too.")],
    pictures: Annotated[
        list[str] | None,
        typer.Argument(metavar="PICTURE...", help="Files, folders or sha256; with --in: ids or paths of its images."),
    ] = None,
    within: Within = None,
    take_back: Annotated[
        bool, typer.Option("--take-back", help="Take the decided label back; give pictures only.")
    ] = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Label pictures.

    The label is kept by the content of the files: it outlives versions, renames and moves. The next model of these
    pictures has it, instead of the name of their folder.
    """
    named = [*([text] if take_back else []), *(pictures or [])]
    if not named:
        raise typer.BadParameter("give at least one picture after the label.", param_hint="PICTURE...")
    store, found, version = _asked(named, within)
    action = store.set_label(found, None if take_back else text, by=by, version=version)
    what = "label taken back" if take_back else f"labelled {text}"
    _tell(store, action, len(set(found)), what, as_json)


def tag(
    text: Annotated[str, typer.Argument(metavar="TAG", help="The tag.")],
    pictures: Pictures,
    within: Within = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the tag.")] = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Tag pictures; a picture may have several tags."""
    store, found, version = _asked(pictures, within)
    change = store.remove_tag if remove else store.add_tag
    action = change(found, text, by=by, version=version)
    _tell(store, action, len(set(found)), f"tag {text} {'removed' if remove else 'added'}", as_json)


def mark(
    what: Annotated[
        str,
        typer.Argument(metavar="MARK", help="keep, spare, reviewed, not_duplicates, alike or not_alike."),
    ],
    pictures: Pictures,
    within: Within = None,
    group: Annotated[str | None, typer.Option(help="Group of copies in which keep or spare is decided.")] = None,
    take_back: Annotated[bool, typer.Option("--take-back", help="Take the mark back.")] = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Mark pictures: keep, spare, reviewed, alike or not.

    not_duplicates is about all pictures that are given. alike and not_alike are about the first one with each of the
    others.
    """
    from imgsim.decisions.kinds import ALIKE, MARKS, NOT_ALIKE

    pairs = {ALIKE: True, NOT_ALIKE: False}
    one_of(what, (*MARKS, *pairs), "MARK")
    store, found, version = _asked(pictures, within)
    if what in pairs:
        first, *others = found
        alike = None if take_back else pairs[what]
        action = store.mark_pairs([first] * len(others), others, alike, by=by, version=version)
    elif take_back:
        action = store.unmark(found, what, by=by, version=version)
    else:
        action = store.mark(found, what, group=group, by=by, version=version)
    _tell(store, action, len(set(found)), f"{what} taken back" if take_back else f"marked {what}", as_json)


def _asked(pictures: list[str], within: str | None) -> tuple[Decisions, list[str], str | None]:
    """Return the store, the sha256 of the pictures, and the version they were looked at in."""
    from imgsim.decisions import open_decisions

    place = None if within is None else open_place(within)
    return open_decisions(), sha256s(pictures, place), None if place is None else place.version


def _tell(store: Decisions, action: int, count: int, what: str, as_json: bool) -> None:
    if as_json:
        emit({"decisions": store.url, "action": action, "pictures": count})
    else:
        say(f"{count:,} {'picture' if count == 1 else 'pictures'} {what} (action {action} in {store.url}).")
