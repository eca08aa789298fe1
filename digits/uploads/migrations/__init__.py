"""The database's history, for Alembic; records.migrate() runs it."""
