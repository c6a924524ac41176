"""The texts of the screen *order of buttons*."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "nav_buttons": "Order of buttons",
    "order_client": "Client type",
    "order_advice": (
        "In this order the login page shows the logins. The first three have a row each, the others are icons. "
        "Where somebody has logged in before, that login comes first for them."
    ),
    "move_up": "Move %s up",
    "move_down": "Move %s down",
    "order_save": "Save this order",
    "order_discard": "Undo the moves",
    "order_not_saved": "This order is not saved yet.",
    "order_empty": "This client type shows no login.",
    "preview_title": "Preview",
    "preview_advice": (
        "The login page in this order. No login begins here. Mini programs and apps draw buttons of their own."
    ),
    "preview_language": "Language of the preview",
    "preview_open": "Open the preview alone",
    "flash_order_saved": "The order is saved.",
}
