"""Everything but git objects, in SQLite: schema, records, and one module of queries for each area."""
