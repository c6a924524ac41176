"""Connections, transactions and compiled statements, on each of the database engines.

Owns how a unit of work is run. Knows nothing of our tables.
"""
