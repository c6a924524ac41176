"""A plugin's own icon: a plain drawing is taken, and anything else leaves the plugin with a letter."""

import logging
from pathlib import Path

import pytest

from connect_core.errors import PluginError
from connect_core.plugin import Register, hookimpl, provider_hook
from connect_core.providers.icons import ICON_LIMIT, check_icon
from connect_core.providers.registry import Plugins

from ..kit.icons import ICON, package
from ..kit.plugins import ACME, registry

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 8 8">{}</svg>'


def plugins_with(icon: str) -> Plugins:
    """One plugin whose hook names `icon`."""
    hook = provider_hook("acme", ACME, icon=icon)
    return Plugins([("acme", type("Drawn", (), {"connect_register_providers": staticmethod(hook)})())], discover=False)


DRAWINGS = {
    "ours": ICON,
    "gradient": SVG.format('<defs><linearGradient id="g"/></defs><rect fill="url(#g)" style="stroke: url( \'#g\' )"/>'),
    "use": SVG.format('<path id="p" d="M0 0"/><use href="#p"/><use xlink:href="#p"/>'),
    "style": SVG.format("<style>.a { fill: url(#g); }</style>"),
    "text after a style": SVG.format("<style/><title>url(x)</title>"),
    "title": SVG.format("<title>Acme &amp; Söhne</title>"),
    "declared": '<?xml version="1.0" encoding="UTF-8"?>' + ICON,
    "comment": SVG.format("<!-- <script> -->"),
    "metadata": SVG.format('<metadata><r:RDF xmlns:r="urn:rdf" r:about="https://acme.example"/></metadata>'),
    "animated": SVG.format('<rect><animate attributeName="x" to="4"/></rect>'),
    "prefixed": ICON.replace("<svg xmlns=", "<s:svg xmlns:s=")
    .replace("<", "<s:")
    .replace("s:s:", "s:")
    .replace("s:/", "/s:"),
    "largest": ICON + " " * (ICON_LIMIT - len(ICON)),
}
REFUSED: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "no well-formed XML: no element found"),
    "text": ("hello", "no well-formed XML: syntax error, line 1"),
    "cut off": (ICON[:-3], "no well-formed XML"),
    "HTML": ("<html><body/></html>", "its root is not <svg xmlns="),
    "no namespace": ("<svg/>", "its root is not <svg xmlns="),
    "another namespace": ('<svg xmlns="urn:svg"/>', "its root is not <svg xmlns="),
    "script": (SVG.format("<script>alert(1)</script>"), "it has an element <script>"),
    "HTML script": (SVG.format('<h:script xmlns:h="http://www.w3.org/1999/xhtml"/>'), "an element <script>"),
    "HTML frame": (SVG.format('<h:iframe xmlns:h="http://www.w3.org/1999/xhtml"/>'), "an element <iframe>"),
    "foreignObject": (SVG.format("<foreignObject/>"), "an element <foreignObject>"),
    "event": (SVG.format('<rect onload="alert(1)"/>'), "an attribute onload"),
    "event in capitals": (SVG.format('<rect OnClick="alert(1)"/>'), "an attribute OnClick"),
    "link": (SVG.format('<a href="https://evil.example/"/>'), "its href refers"),
    "javascript": (SVG.format('<a xlink:href="javascript:alert(1)"/>'), "its href refers"),
    "data": (SVG.format('<image href="data:image/png;base64,AA=="/>'), "its href refers"),
    "other file": (SVG.format('<use href="other.svg#p"/>'), "its href refers"),
    "base": (SVG.format('<g xml:base="https://evil.example/"><use href="#p"/></g>'), "its base refers"),
    "animated link": (
        SVG.format('<a href="#p"><set attributeName="xlink:href" to="javascript:1"/></a>'),
        "animates href",
    ),
    "animated event": (SVG.format('<set attributeName="onclick" to="alert(1)"/>'), "animates onclick"),
    "fill": (SVG.format('<rect fill="url(https://evil.example/#g)"/>'), "its fill refers"),
    "quoted": (SVG.format("<rect filter=\"url( 'evil.svg#f')\"/>"), "its filter refers"),
    "style attribute": (SVG.format('<rect style="fill: URL(//evil.example)"/>'), "its style refers"),
    "escaped": (SVG.format(r'<rect style="fill: \75rl(//evil.example)"/>'), "its style refers"),
    "import": (SVG.format('<style>@import "//evil.example";</style>'), "its <style> refers"),
    "font": (SVG.format("<style>@font-face { src: url(//evil.example) }</style>"), "its <style> refers"),
    "split": (SVG.format("<style>a{fill:ur<![CDATA[l(//evil.example)]]>}</style>"), "its <style> refers"),
    "image set": (SVG.format("<style>a{cursor:image-set('//evil.example' 1x)}</style>"), "its <style> refers"),
    "style sheet": ('<?xml-stylesheet href="//evil.example"?>' + ICON, "a processing instruction (<?xml-stylesheet?>)"),
    "document type": ("<!DOCTYPE svg>" + ICON, "it has a document type"),
    "entity": (f'<!DOCTYPE svg [<!ENTITY a "{"x" * 99}">]>' + SVG.format("&a;"), "it has a document type"),
    "external entity": (
        '<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + SVG.format("&a;"),
        "document type",
    ),
    "undefined entity": (SVG.format("&nbsp;"), "no well-formed XML: undefined entity"),
    "too large": (ICON + " " * (ICON_LIMIT - len(ICON) + 1), "it is larger than 16384 bytes"),
    "UTF-16": (ICON.encode("utf-16"), "it is not UTF-8"),
    "another encoding": ('<?xml version="1.0" encoding="iso-8859-1"?>' + ICON, "its encoding is not UTF-8"),
    "a picture": (b"\x89PNG\r\n\x1a\n", "it is not UTF-8"),
}


@pytest.mark.parametrize("case", DRAWINGS)
def test_a_plain_drawing_is_taken(case: str) -> None:
    """Also what drawing programs write that is not needed, and references inside the drawing."""
    check_icon(DRAWINGS[case].encode())


@pytest.mark.parametrize("case", REFUSED)
def test_what_could_run_or_load_something_is_refused(
    case: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The plugin works without the icon, and the log says why it has none."""
    icon, reason = REFUSED[case]
    with pytest.raises(PluginError) as caught:
        check_icon(icon.encode() if isinstance(icon, str) else icon)
    assert reason in str(caught.value)
    with package(tmp_path, icon):
        found = plugins_with("connect_drawn:drawn.svg")
    assert (found.available["acme"].icon, found.available["acme"].icon_name, found.quarantined) == (b"", "", {})
    [record] = caplog.records
    fields = vars(record)
    assert (record.levelno, record.message, fields["plugin"]) == (logging.WARNING, "plugin_icon_refused", "acme")
    assert fields["reason"] == str(caught.value)


@pytest.mark.parametrize("is_zipped", [False, True])
@pytest.mark.parametrize("path", ["drawn.svg", "icons/drawn.svg"])
def test_an_icon_is_a_file_of_a_package(path: str, is_zipped: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a case
    """In a folder, as pip installs it, or in a zip archive."""
    with package(tmp_path, is_zipped=is_zipped):
        plugin = plugins_with(f"connect_drawn:{path}").available["acme"]
    assert (plugin.icon, plugin.icon_name) == (ICON.encode(), "plugin~acme")


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        ("drawn.svg", "named `package:file.svg`"),
        ("connect_drawn:drawn.png", "named `package:file.svg`"),
        ("connect_drawn:../secret.svg", "named `package:file.svg`"),
        ("connect_drawn:/etc/secret.svg", "named `package:file.svg`"),
        ("connect_drawn:none.svg", "FileNotFoundError"),
        ("connect_missing:drawn.svg", "ModuleNotFoundError: No module named 'connect_missing'"),
        (7, "TypeError"),
    ],
)
def test_an_icon_that_is_not_there_is_told(
    resource: str, reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The plugin works all the same."""
    with package(tmp_path):
        found = plugins_with(resource)
    assert (found.available["acme"].icon, found.quarantined) == (b"", {})
    assert reason in vars(caplog.records[0])["reason"]


class WithoutIcon:
    """A plugin from before there were icons."""

    @hookimpl
    def connect_register_providers(self, register: Register) -> None:
        """Register without an icon."""
        register("acme", ACME, sandbox="a:B")


def test_old_plugins_and_old_tests_go_on_working(caplog: pytest.LogCaptureFixture) -> None:
    """A plugin need not name an icon, and a test's own `register` need not take one."""
    assert Plugins([("acme", WithoutIcon())], discover=False).available["acme"].icon == b""

    def register(name: str, provider: object, *, sandbox: str = "") -> None:
        assert (name, provider, sandbox) == ("acme", ACME, "a:B")

    provider_hook("acme", ACME, sandbox="a:B")(register)  # type: ignore[arg-type]
    assert not caplog.records


def test_a_provider_has_the_icon_of_its_plugin(tmp_path: Path) -> None:
    """Under whatever name it is configured; without one it has none."""
    clients, providers = {"pc": ["acme", "twin"]}, {"acme": {}, "twin": {"plugin": "acme"}}
    with package(tmp_path):
        found = registry(tmp_path, plugins_with("connect_drawn:drawn.svg"), clients=clients, providers=providers)
    assert [configured.icon for configured in found] == ["plugin~acme"] * 2
    assert (found.find_icon("ACME"), found.find_icon("WECHAT")) == ("plugin~acme", "")
    found = registry(tmp_path, clients=clients, providers=providers)
    assert [configured.icon for configured in found] == [""] * 2
    assert found.find_icon("ACME") == ""


def test_every_plugin_that_we_ship_has_an_icon() -> None:
    """A plain drawing in a file of its own package, which no other plugin's file has to stand in for."""
    shipped = {name: plugin for name, plugin in Plugins().available.items() if plugin.sandbox.startswith("connect_")}
    assert {"alipay", "apple", "google", "google-one-tap", "line", "oauth2", "oidc", "wechat", "x"} <= set(shipped)
    assert {name for name, plugin in shipped.items() if not plugin.icon} == set()
    second_logins = {"facebook-limited", "google-one-tap", "telegram-mini"}  # of a vendor that has another plugin, too
    assert len({plugin.icon for plugin in shipped.values()}) == len(shipped) - len(second_logins)
