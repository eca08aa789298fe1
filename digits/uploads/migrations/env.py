"""Run the migrations on the connection, and in the transaction, that schema.migrate() opened."""

from alembic import context

from digits.uploads.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
