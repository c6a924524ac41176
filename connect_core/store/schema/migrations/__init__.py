"""The versions of the schema, one module each, oldest first. Never edit a version that was released.

On MariaDB every statement that changes a schema commits by itself. A migration may therefore be run again after it was
interrupted half-way: it creates what is missing and leaves alone what exists.

While an upgrade runs, and until the last process is replaced, older code works on the newer schema. Each module
therefore says in `min_version` which is the oldest version whose code runs on its result. A step that only adds keeps
the `min_version` of the step before. A step that renames or removes something names the version whose code no longer
uses it: one that was released before.
"""
