"""Forms as a browser sends them: what each input of a page contains, unless it is disabled."""

from html.parser import HTMLParser


class Inputs(HTMLParser):
    """Fills in a form as a browser does: what each input that is not disabled would send."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self.ids: list[str] = []
        self._select = self._area = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element sends."""
        values = {name: value or "" for name, value in attrs}
        if identifier := values.get("id"):
            self.ids.append(identifier)
        name, is_on = values.get("name", ""), "disabled" not in values
        self._area = name if tag == "textarea" and is_on else ""
        if tag == "select":
            self._select = name if is_on else ""
        if tag == "option" and self._select and ("selected" in values or self._select not in self.sent):
            self.sent[self._select] = [values["value"]]
        is_ticked = values.get("type") != "checkbox" or "checked" in values
        if tag == "input" and is_on and is_ticked and values.get("type") != "file":
            self.sent.setdefault(name, []).append(values.get("value", ""))

    def handle_data(self, data: str) -> None:
        """Note the text of a text area."""
        if self._area:
            self.sent[self._area] = [data]
            self._area = ""
