"""How the secrets of one-time passwords are sealed in `es_admin`. Imports nothing that the extra `admin` brings."""

PURPOSE = "administrators"
"""The purpose of the sealer."""


def get_associated(name: str) -> str:
    """Return the associated data for the secret of the administrator `name`: it opens in this row and column alone."""
    return f"es_admin.totp_secret {name}"
