"""The tables, and how a database is migrated to it."""

from datetime import UTC, datetime

import sqlalchemy as sa

from digits.errors import SettingsError, StorageFull, Unavailable
from digits.uploads.engine import begin, create_engine

SCHEMA = "0009"
"""The newest revision in migrations/versions."""

_ID = sa.String(36).with_variant(sa.String(36, collation="C"), "postgresql")
"""Sorted by character codes, whatever the language of the database."""
_MIGRATION_LOCK = 0x64696769
"""Key of an advisory lock in PostgreSQL: any number, as long as it stays the same."""


class Time(sa.TypeDecorator[datetime]):
    """A time in UTC. In the database it has no zone, since SQLite knows none."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _: sa.Dialect) -> datetime | None:
        """Leave out the zone."""
        return value and value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, _: sa.Dialect) -> datetime | None:
        """Name the zone."""
        return value and value.replace(tzinfo=UTC)


metadata = sa.MetaData()

uploads = sa.Table(
    "uploads",
    metadata,
    sa.Column("id", _ID, primary_key=True, comment="UUIDv7: in order of arrival"),
    sa.Column("created_at", Time, nullable=False, comment="UTC"),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("format", sa.String(8), nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("bytes", sa.Integer, nullable=False),
    sa.Column("model", sa.String, nullable=False),
    sa.Column("number", sa.String, nullable=False),
    sa.Column("text", sa.String, comment="Null in earlier records: their number is all"),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("recognised", sa.Boolean, nullable=False),
    sa.Column("digits", sa.JSON, nullable=False),
    sa.Column("label", sa.String),
    sa.Column("labelled_at", Time),
    sa.Column("networks", sa.JSON(none_as_null=True), comment="Null in earlier records"),
    sa.Column("idempotency_key", sa.String, comment="Under which its client may send it again"),
    sa.Column("owner", sa.String, comment="Of the API key that it was sent with; null if there was none"),
    sa.Index("uploads_by_number", "number", "id"),
    sa.Index("uploads_by_recognised", "recognised", "id"),
    sa.Index("uploads_by_sha256", "sha256", "id"),
    sa.Index("uploads_by_confidence", "confidence", "id"),
)
sa.Index(
    "uploads_labelled",
    uploads.c.id,
    sqlite_where=uploads.c.label.is_not(None),
    postgresql_where=uploads.c.label.is_not(None),
)

sa.Index(
    "uploads_idempotency_key",
    uploads.c.idempotency_key,
    unique=True,
    sqlite_where=uploads.c.idempotency_key.is_not(None),
    postgresql_where=uploads.c.idempotency_key.is_not(None),
)

_sent_with_a_key = uploads.c.owner.is_not(None)
for _columns in ((), ("number",), ("recognised",), ("sha256",), ("confidence",)):
    # Partial, so that they cost nothing as long as there are no API keys.
    sa.Index(
        "_by_".join(("uploads_of_owner", *_columns)),
        *(uploads.c[column] for column in ("owner", *_columns, "id")),
        sqlite_where=_sent_with_a_key,
        postgresql_where=_sent_with_a_key,
    )
sa.Index(
    "uploads_of_owner_labelled",
    uploads.c.owner,
    uploads.c.id,
    sqlite_where=uploads.c.label.is_not(None),
    postgresql_where=uploads.c.label.is_not(None),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.String(12), primary_key=True, comment="The public part of the key"),
    sa.Column("hash", sa.String(64), nullable=False, comment="SHA-256 of the secret part"),
    sa.Column("owner", sa.String, nullable=False),
    sa.Column("scopes", sa.String, nullable=False, comment="Separated by commas"),
    sa.Column("created_at", Time, nullable=False, comment="UTC"),
    sa.Column("expires_at", Time),
    sa.Column("revoked_at", Time),
)

signing_secrets = sa.Table(
    "signing_secrets",
    metadata,
    sa.Column("row", sa.Integer, primary_key=True, autoincrement=False, comment="Always 1"),
    sa.Column("secret", sa.String, nullable=False, comment="Under which the URLs of pictures are signed"),
)

disagreements = sa.Table(
    "disagreements",
    metadata,
    sa.Column("upload_id", _ID, sa.ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("shadow", sa.String, primary_key=True, comment="The model that read it beside that of the record"),
    sa.Column("shadow_number", sa.String, nullable=False),
    sa.Column("shadow_confidence", sa.Float, nullable=False),
)

storages = sa.Table(
    "storages",
    metadata,
    sa.Column("row", sa.Integer, primary_key=True, autoincrement=False, comment="Always 1"),
    sa.Column("id", sa.String, nullable=False, comment="Which the storage of the pictures keeps too"),
)


def prepare_records(url: str) -> None:
    """Migrate the database at this URL to SCHEMA.

    Raises:
        SettingsError: it cannot be used.
    """
    engine = create_engine(url)
    try:
        migrate(engine)
    except (Unavailable, StorageFull) as error:
        said = " ".join(str(getattr(error.__cause__, "orig", error)).split())
        # Without the query, which may contain a password too; the one before the host is masked.
        raise SettingsError(f"DIGITS_DATABASE: {engine.url.set(query={})} cannot be used: {said}.") from error
    finally:
        engine.dispose()


def migrate(engine: sa.Engine) -> None:
    """Migrate the database to SCHEMA. If several processes do so at once, one works, and the others wait for it.

    Raises:
        SettingsError: the database has a newer schema.
    """
    with begin(engine) as connection:
        if _is_current(connection):
            return
    # Alembic takes a third of a second to import, and most starts have nothing for it to do.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", "digits.uploads:migrations")
    with begin(engine) as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, SCHEMA)
        except CommandError as error:
            raise SettingsError("DIGITS_DATABASE was made by a newer version. Use that version, or a copy.") from error


def _is_current(connection: sa.Connection) -> bool:
    if not sa.inspect(connection).has_table("alembic_version"):
        return False
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == SCHEMA
