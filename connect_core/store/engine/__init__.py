"""Connections, transactions and compiled statements, on each of the database engines.

Knows how a unit of work is run, and nothing of our tables.
"""
