"""The state database: tables, queries, migrations."""
