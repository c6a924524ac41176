"""Reads the icon that a plugin brings for its button, and checks that it is a plain drawing.

The icon is served from the shop's own origin, so it may neither run anything nor load anything. Never draws or changes
it; where it is served is up to `web.pages`.
"""

import logging
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from xml.parsers import expat

from connect_core.errors import PluginError, printable

ICON_LIMIT = 16 * 1024
"""Most bytes of an icon."""
_RESOURCE = re.compile(r"([A-Za-z_][\w.]*):((?:[\w-][\w .-]*/)*[\w-][\w .-]*\.svg)", re.ASCII)
_SVG = "http://www.w3.org/2000/svg"
_LIVE_NAMESPACES = frozenset({"http://www.w3.org/1999/xhtml", "http://www.w3.org/1998/Math/MathML"})
_LIVE_ELEMENTS = frozenset({"script", "foreignobject", "handler", "listener"})
_REFERENCES = frozenset({"href", "src"})
_ELSEWHERE = re.compile(r"""url\((?!\s*["']?\#)|@import|image-set\(|\bsrc\(|\\""", re.IGNORECASE)
"""CSS that loads a file; an escape could hide such a word."""
log = logging.getLogger("connect_login")


def load_icon(plugin: str, resource: str) -> bytes:
    """Return the SVG that `resource` names, `package:file.svg`; empty for an empty `resource`, and for a refused icon.

    A refused icon is logged as `plugin_icon_refused`, with the name of the `plugin` and the reason.
    """
    if not resource:
        return b""
    try:
        content = _read(resource)
        check_icon(content)
    except Exception as error:  # noqa: BLE001 - a stranger's package; a login needs no icon
        reason = str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"
        log.warning("plugin_icon_refused", extra={"plugin": plugin, "reason": " ".join(reason.split())})
        return b""
    return content


def _read(resource: str) -> bytes:
    place = _RESOURCE.fullmatch(resource)
    if place is None:
        raise PluginError("an icon is named `package:file.svg`")
    package, path = place.groups()
    with files(package).joinpath(*path.split("/")).open("rb") as file:
        return file.read(ICON_LIMIT + 1)


@cache
def check_icon(content: bytes) -> None:
    """Raise `PluginError` for anything that is no SVG, or could run or load something.

    Refused are: more than `ICON_LIMIT` bytes; XML that is not well-formed or not UTF-8; another root than `svg`; a
    document type, since it can define entities; processing instructions; scripts, `foreignObject`, HTML and MathML
    elements; attributes that begin with `on`; every reference but to a `#fragment` of the icon itself.
    """
    if len(content) > ICON_LIMIT:
        raise PluginError(f"it is larger than {ICON_LIMIT} bytes")
    try:
        content.decode()
    except UnicodeDecodeError:
        raise PluginError("it is not UTF-8") from None
    try:
        _Checker().parse(content)
    except expat.ExpatError as error:
        raise PluginError(f"it is no well-formed XML: {expat.ErrorString(error.code)}, line {error.lineno}") from None


class _Checker:
    """Goes through the document with expat, which never reaches an entity, because the document type is refused."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.ordered_attributes = True
        self._parser.buffer_text = True
        self._parser.XmlDeclHandler = self._check_declaration
        self._parser.StartDoctypeDeclHandler = self._refuse_document_type
        self._parser.ProcessingInstructionHandler = self._refuse_instruction
        self._parser.StartElementHandler = self._check_element
        self._parser.EndElementHandler = self._end_element
        self._parser.CharacterDataHandler = self._collect_styles
        self._is_root = True
        self._style: list[str] | None = None

    def parse(self, content: bytes) -> None:
        self._parser.Parse(content, True)

    def _check_declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.lower() != "utf-8":
            raise PluginError("its encoding is not UTF-8")

    def _refuse_document_type(self, *_: object) -> None:
        raise PluginError("it has a document type (<!DOCTYPE>)")

    def _refuse_instruction(self, target: str, data: str) -> None:
        raise PluginError(f"it has a processing instruction (<?{printable(target)}?>)")

    def _check_element(self, name: str, attributes: list[str]) -> None:
        namespace, _, element = name.rpartition(" ")
        if self._is_root and (namespace, element) != (_SVG, "svg"):
            raise PluginError(f'its root is not <svg xmlns="{_SVG}">')
        self._is_root = False
        if element.lower() in _LIVE_ELEMENTS or namespace in _LIVE_NAMESPACES:
            raise PluginError(f"it has an element <{printable(element)}>")
        if element == "style":
            self._style = []
        for attribute, value in zip(attributes[::2], attributes[1::2], strict=True):
            _check_attribute(attribute.rpartition(" ")[2], value)

    def _collect_styles(self, text: str) -> None:
        if self._style is not None:
            self._style.append(text)

    def _end_element(self, name: str) -> None:
        if self._style is not None and name.rpartition(" ")[2] == "style":
            _check_css(self._style, "<style>")
            self._style = None


def _check_attribute(name: str, value: str) -> None:
    lower = name.lower()
    if lower.startswith("on"):
        raise PluginError(f"it has an attribute {printable(name)}")
    if lower == "base" or (lower in _REFERENCES and not value.lstrip().startswith("#")):
        raise PluginError(f"its {printable(name)} refers to something else than a #fragment")
    animated = value.strip().rpartition(":")[2].lower()
    if lower == "attributename" and (animated in _REFERENCES or animated.startswith("on")):
        raise PluginError(f"it animates {printable(animated)}")
    _check_css([value], printable(name))


def _check_css(texts: Iterable[str], place: str) -> None:
    if _ELSEWHERE.search("".join(texts)):
        raise PluginError(f"its {place} refers to something else than a #fragment")
