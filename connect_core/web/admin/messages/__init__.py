"""The texts of the admin page in English, one module for each screen; `locale/` has the Chinese ones."""
