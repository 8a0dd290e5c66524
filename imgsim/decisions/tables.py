"""Tables of the store of decisions, and their version.

    decision_schema    version of the tables
    decision_actions   number, time (UTC), who, from which version of a model, what; an undo names its target
    decision_events    what an action decided: one row per picture, picture and tag, or pair

Rows are only added, but for `forget`, which removes a picture's rows. A pair is kept in order: ``sha256`` < ``other``.
"""

from collections.abc import Callable, Mapping

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    inspect,
    select,
)


class UnusableError(Exception):
    """Reason why a database cannot be used, without the place, which `imgsim.decisions.database` adds."""


VERSION = 1
"""Version of these tables; raised with a new entry of `UPGRADES`."""
UPGRADES: Mapping[int, Callable[[Connection], None]] = {}
"""Version to the function that makes the next one of it."""

metadata = MetaData()
schema = Table("decision_schema", metadata, Column("version", Integer, nullable=False))
actions = Table(
    "decision_actions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("time", DateTime, nullable=False),
    Column("by", Text, nullable=False),
    Column("version", Text),
    Column("kind", String(32), nullable=False),
    Column("target", Integer, index=True),
    sqlite_autoincrement=True,
)
events = Table(
    "decision_events",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("action", Integer, ForeignKey("decision_actions.number"), nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("other", String(64), nullable=False, server_default=""),
    Column("key", Text, nullable=False, server_default=""),
    Column("value", Text),
    Column("grouping", Text),
    Index("decision_events_of_pictures", "kind", "sha256", "other", "key"),
    Index("decision_events_of_others", "other"),
    sqlite_autoincrement=True,
)


def found_version(connection: Connection) -> int | None:
    """Return the version of the tables in a database; None if there are none."""
    if not inspect(connection).has_table(schema.name):
        return None
    return connection.execute(select(schema.c.version)).scalar()


def check_version(found: int) -> None:
    """Refuse tables that a newer imgsim has made.

    Raises
    ------
    UnusableError
    """
    if found > VERSION:
        raise UnusableError(
            f"its tables have format {found}, and this imgsim knows formats up to {VERSION}: install a newer one"
        )


def prepare(connection: Connection) -> None:
    """Make the tables where there are none, and bring those of an earlier version up to date, inside a transaction.

    Raises
    ------
    UnusableError
        A newer imgsim made them.
    """
    found = found_version(connection)
    if found is None:
        metadata.create_all(connection)
        connection.execute(schema.insert().values(version=VERSION))
        return
    check_version(found)
    for version in range(found, VERSION):
        UPGRADES[version](connection)
    if found < VERSION:
        connection.execute(schema.update().values(version=VERSION))
