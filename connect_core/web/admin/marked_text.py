"""Texts with code in them: what stands between backticks is shown as such."""

from markupsafe import Markup, escape


def mark_code(text: str) -> Markup:
    """Return a text as HTML, with what stands between backticks as code."""
    parts = escape(text).split("`")
    return Markup("").join(Markup("<code>%s</code>") % part if place % 2 else part for place, part in enumerate(parts))
