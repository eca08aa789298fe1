"""Alembic's migrations of the database; schema.migrate() runs them."""
