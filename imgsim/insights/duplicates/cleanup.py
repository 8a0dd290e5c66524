"""Plan to clean up duplicates, as CSV and as a POSIX shell script that moves files and never deletes one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import pandas as pd

from imgsim.errors import ArgumentError
from imgsim.insights.duplicates.decided import decided_groups
from imgsim.insights.duplicates.find import TIERS
from imgsim.io.atomic import atomic_path
from imgsim.io.csv import write_csv
from imgsim.io.paths import absolute
from imgsim.io.urls import is_url

if TYPE_CHECKING:
    from imgsim.insights.duplicates.decided import DecidedCopies
    from imgsim.references.insight import Insight
    from imgsim.references.references import References

CERTAIN = TIERS[:2]
"""Default tiers of a plan; look-alikes are left to people."""


def plan_table(
    duplicates: Insight, tiers: Sequence[str] = CERTAIN, decided: DecidedCopies | None = None
) -> pd.DataFrame:
    """Make the plan: a row per image in a group.

    Links, and files that links lead to, are kept: moving them frees nothing, or breaks the link.

    Parameters
    ----------
    duplicates : Insight
    tiers : sequence of str
        Some of same_bytes, same_picture, look_alike.
    decided : DecidedCopies, optional
        What people decided, which wins over what is proposed (`imgsim.insights.duplicates.decided`).

    Returns
    -------
    DataFrame
        tier, group, action (``keep`` or ``move``), path, bytes, kept_path, reason.

    Raises
    ------
    ArgumentError
        A tier that does not exist.
    """
    if not set(tiers) <= set(TIERS):
        raise ArgumentError(f"tiers must be some of {', '.join(TIERS)}, not {', '.join(tiers)}.")
    groups = duplicates.tables["groups"]
    groups = groups[groups["tier"].isin(tiers)]
    if decided is not None:
        groups = decided_groups(groups, decided)
    kept = groups[groups["keep"]].drop_duplicates("group").set_index("group")["path"]
    plan = groups.assign(
        action=(groups["keep"] | (groups["bytes"] == 0)).map({True: "keep", False: "move"}),
        kept_path=groups["group"].map(kept),
    ).sort_values(["group", "keep"], ascending=[True, False], kind="stable")
    return plan[["tier", "group", "action", "path", "bytes", "kept_path", "reason"]].reset_index(drop=True)


def write_plan_csv(
    duplicates: Insight, path: str | Path, tiers: Sequence[str] = CERTAIN, decided: DecidedCopies | None = None
) -> None:
    """Write `plan_table` as CSV, atomically."""
    with atomic_path(absolute(path)) as temporary:
        write_csv(plan_table(duplicates, tiers, decided), temporary)


def write_plan_script(
    references: References,
    duplicates: Insight,
    path: str | Path,
    into: str | Path,
    tiers: Sequence[str] = CERTAIN,
    root: str | Path | None = None,
    decided: DecidedCopies | None = None,
) -> int:
    """Write a shell script that moves all images but the kept ones into a folder, under the same relative paths.

    ``sh plan.sh --dry-run`` only prints what it would do. The script moves a file only if the one to keep exists,
    if its size is unchanged (for ``same_bytes`` if it still equals the one to keep), and if the folder has no file
    of that name. It can be run again at any time. It ends with 1 if a file was not moved.

    Parameters
    ----------
    references : References
        The images in which the duplicates were found.
    duplicates : Insight
    path : str or Path
        The script to write.
    into : str or Path
        Folder outside the collection, created by the script when it is needed.
    tiers : sequence of str
        Some of same_bytes, same_picture, look_alike.
    root : str or Path, optional
        Folder of the images; default: the one that the model was made from (a saved model does not know it).
    decided : DecidedCopies, optional
        As for `plan_table`.

    Returns
    -------
    int
        Number of files to move.

    Raises
    ------
    ArgumentError
        The collection is not in a folder of this machine, or ``into`` lies in it; or a path leads out of it.
    """
    root, target = move_folders(references, into, root)
    plan = plan_table(duplicates, tiers, decided)
    moves = plan[plan["action"] == "move"]
    outside = [path for path in (*moves["path"], *moves["kept_path"]) if path[:1] == "/" or ".." in path.split("/")]
    if outside:
        raise ArgumentError(f"{outside[0]!r} leads out of the collection: this is no plan to follow.")
    lines = [
        f"move {row.tier} {row.bytes} {quote(row.path)} {quote(row.kept_path)}" for row in moves.itertuples(index=False)
    ]
    parts = {"@ROOT@": quote(root.rstrip("/")), "@TARGET@": quote(str(target)), "@MOVES@": "\n".join(lines)}
    script = re.sub("|".join(parts), lambda found: parts[found.group()], _SCRIPT)
    with atomic_path(absolute(path)) as temporary:
        temporary.write_bytes(script.encode("utf-8", "surrogateescape"))  # folders of any name, also not in UTF-8
        temporary.chmod(0o755)
    return len(lines)


def move_folders(references: References, into: str | Path, root: str | Path | None = None) -> tuple[str, Path]:
    """Return the folder from which `write_plan_script` moves files, and the one to which, both absolute.

    Raises
    ------
    ArgumentError
        The collection is not in a folder of this machine, or ``into`` lies in it.
    """
    root = references.images.root if root is None else str(absolute(root))
    if not root or is_url(root):
        raise ArgumentError(
            f"a script moves files of a local folder, not of {root or 'an unknown place'}: give root, where they lie."
        )
    target = absolute(into)
    if root != "/" and target.resolve().is_relative_to(Path(root).resolve()):
        raise ArgumentError(f"{target} lies in the collection {root}: what is moved there would be read again.")
    return root, target


_SCRIPT = """#!/bin/sh
# Moves duplicate pictures into another folder. Nothing is deleted and nothing is overwritten.
# sh THIS_SCRIPT --dry-run    only says what it would do
set -u
root=@ROOT@
target=@TARGET@
moved=0 there=0 left=0
case ${1-} in
  '') dry=no ;;
  --dry-run) dry=yes ;;
  *) printf 'usage: %s [--dry-run]\\n' "$0" >&2; exit 2 ;;
esac

leave() {
  left=$((left + 1))
  printf 'left alone: %s (%s)\\n' "$1" "$2"
}

# move TIER BYTES PATH KEPT
move() {
  from=$root/$3 kept=$root/$4 to=$target/$3
  if [ ! -e "$from" ] && [ ! -L "$from" ] && [ -f "$to" ]; then
    there=$((there + 1)); printf 'already moved: %s\\n' "$3"
  elif [ ! -f "$from" ]; then leave "$3" 'it is gone'
  elif [ ! -f "$kept" ]; then leave "$3" "the one to keep is gone: $4"
  elif [ "$from" -ef "$kept" ]; then leave "$3" 'it is the one to keep, by another name'
  elif [ -L "$from" ]; then leave "$3" 'it is a link'
  elif [ "$(($(wc -c < "$from")))" -ne "$2" ]; then leave "$3" 'it changed since the plan was made'
  elif [ "$1" = same_bytes ] && ! cmp -s -- "$from" "$kept"; then leave "$3" "it is no longer equal to $4"
  elif [ -e "$to" ] || [ -L "$to" ]; then leave "$3" 'the folder has a file of that name'
  elif [ "$dry" = yes ]; then moved=$((moved + 1)); printf 'would move: %s\\n' "$3"
  elif mkdir -p -- "${to%/*}" && mv -n -- "$from" "$to" && [ ! -e "$from" ]; then
    moved=$((moved + 1)); printf 'moved: %s\\n' "$3"
  else leave "$3" 'it could not be moved'
  fi
}

@MOVES@

if [ "$dry" = yes ]; then printf '%s files would be moved to %s' "$moved" "$target"
else printf '%s files moved to %s' "$moved" "$target"
fi
printf ', %s moved before, %s left alone\\n' "$there" "$left"
[ "$left" -eq 0 ]
"""
