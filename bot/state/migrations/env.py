"""Run by Alembic; the connection, with its transaction open, comes from bot.state.migrations.upgrade."""

from alembic import context

from bot.state.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
