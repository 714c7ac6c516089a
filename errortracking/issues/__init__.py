"""What people do with issues: status and texts, assignment, merge, split, and undo. Knows nothing of HTTP.

The admin and the API call the same functions. Each locks what it changes and works in a transaction of its own (or in
the caller's); what it returns is what a record of changes wants to know. `docs/issues.md` is what users read of it.
"""
