"""The versions of the schema, one module each, oldest first. A version that was released is never edited again.

On MariaDB every statement that defines something commits by itself, so a step may be run again after it was killed
half-way: it makes what is missing and takes what is there.
"""
