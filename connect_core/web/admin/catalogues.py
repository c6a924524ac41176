"""The texts of the admin page in Chinese and English: the frame's and each screen's, put together once."""

from collections.abc import Sequence
from pathlib import Path

from connect_core.web.admin.messages import frame
from connect_core.web.admin.screens import Screen
from connect_core.web.pages.catalogues import Catalogues, read_translations

LOCALE_FOLDER = Path(__file__).parent / "locale"


def load_admin_catalogues(screens: Sequence[Screen]) -> Catalogues:
    """Return the texts of the frame and of `screens`. Raises `SettingsError` for a catalogue of ours with mistakes."""
    english, chinese = dict(frame.TEXTS), dict(frame.TEXTS)
    folder = LOCALE_FOLDER / "zh_CN" / "LC_MESSAGES"
    for name, texts in (("frame", frame.TEXTS), *((screen.name, screen.texts) for screen in screens)):
        english |= texts
        chinese |= {**texts, **read_translations(folder / f"{name}.po", texts)}
    return Catalogues(("zh-CN", "en"), "en", {"zh-CN": chinese, "en": english})
