"""Pages taken apart, and texts that try to break them."""

from html.parser import HTMLParser

from connect_core.web.pages import Pages

PAGES = Pages()
CHINESE, ENGLISH = (PAGES.catalogues.texts[language] for language in ("zh-CN", "en"))

HOSTILE = ['<svg onload="alert(1)">', "{{7*7}}{0.__class__}%s", "</script><script>alert(1)</script>", "' onerror='x"]

VOID = frozenset({"meta", "link", "img", "br", "input"})


class ParsedPage(HTMLParser):
    """A page taken apart: its elements with their attributes and its visible text; unbalanced tags are an error."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.unnamed: list[str] = []
        self._open: list[str] = []
        self._words: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append((tag, attributes))
        if tag == "input" and attributes.get("type") != "hidden" and "label" not in self._open:
            self.unnamed.append("input")
        if tag not in VOID:
            self._open.append(tag)
            self._words.append(attributes.get("aria-label", ""))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        words = self._words.pop().strip()
        if tag in ("a", "button", "label", "summary", "h1", "h2") and not words:
            self.unnamed.append(tag)
        if self._words:
            self._words[-1] += words

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._words:
            self._words[-1] += data

    def values(self, tag: str, attribute: str) -> list[str]:
        return [attributes[attribute] for name, attributes in self.elements if name == tag and attribute in attributes]
