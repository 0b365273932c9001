"""The record: one SQLite file, changed only through commit, and the only room with SQL.

sqlite.Store opens it and hands out transactions; the other modules hold the queries.
"""
