"""The versions of the schema, one module each, oldest first. Never edit a version that was released.

On MariaDB every statement that changes a schema commits by itself. A migration may therefore be run again after it was
interrupted half-way: it creates what is missing and leaves alone what exists.
"""
