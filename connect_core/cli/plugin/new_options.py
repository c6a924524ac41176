"""The options of `connect-login plugin new`, checked, and what follows from them for the new package.

Writes nothing. Every mistake is a `PluginError` with one line that begins with the option.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from connect_core.errors import PluginError
from connect_core.identity import ClientType
from connect_core.providers.oidc import Issuer
from connect_core.providers.provider import Entrance
from connect_core.settings import Endpoint

TITLE_LIMIT = 32
"""Most characters of a title."""
URL_LIMIT = 255
"""Most characters of an address."""
_BROWSERS = (ClientType.PC, ClientType.H5)
_PATH = re.compile(r"(/(?!\.\.?(/|$))[\w.~!$&'()*+,;=:@-]+)+/?", re.ASCII)


class VendorProtocol(StrEnum):
    """What `--like` takes: the protocol that a vendor speaks, and so the base provider of the new plugin."""

    OAUTH2 = "oauth2"
    OIDC = "oidc"
    CUSTOM = "custom"


def parse_protocol(text: str) -> VendorProtocol:
    """Return the protocol called `text`. Raises `PluginError` with the nearest one."""
    if text in list(VendorProtocol):
        return VendorProtocol(text)
    near = get_close_matches(text, list(VendorProtocol), 1)
    hint = f"; did you mean {near[0]}?" if near else f"; give {', '.join(VendorProtocol)}"
    raise PluginError(f"--like: there is no {text}{hint}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenOptions:
    """The options as they were typed. `addresses` has the URLs that were given, by option, such as `issuer`."""

    titles: Sequence[str] = ()
    addresses: Mapping[str, str]
    clients: str = "pc,h5"
    phone: bool = False


@dataclass(frozen=True, slots=True)
class NewPlugin:
    """A plugin to be written.

    - `titles`: its name on pages, by language.
    - `urls`: the vendor's addresses, by the name of the attribute or setting that holds them.
    - `is_invented`: True where at least one address was not given, and so is made up.
    """

    name: str
    like: VendorProtocol
    titles: Mapping[str, str]
    clients: tuple[ClientType, ...]
    urls: Mapping[str, str]
    has_phone: bool
    is_invented: bool

    @property
    def class_name(self) -> str:
        """The plugin's name as that of a class: `AcmePay` for `acme_pay`."""
        return name_class(self.name)

    @property
    def host(self) -> str:
        """The first part of the host name of invented addresses."""
        return _make_host(self.name)

    @property
    def redirects(self) -> list[ClientType]:
        """The client types that come back through a redirect."""
        return [client for client in self.clients if client in _BROWSERS]

    @property
    def posts(self) -> list[ClientType]:
        """The client types whose SDK gives a code or an ID token."""
        return [client for client in self.clients if client not in _BROWSERS]

    def get_entrance(self, client: ClientType) -> Entrance:
        """Return how a login on `client` comes back from the vendor."""
        if client in _BROWSERS:
            return Entrance.REDIRECT
        return Entrance.CREDENTIAL if self.like is VendorProtocol.OIDC else Entrance.CLIENT_CODE


def name_class(name: str) -> str:
    """Return a plugin's name as that of a class."""
    return "".join(part.capitalize() for part in name.split("_"))


def check_options(name: str, like: VendorProtocol, given: GivenOptions) -> NewPlugin:
    """Return the plugin that the options describe. Raises `PluginError` for the first mistake."""
    clients = _parse_clients(given.clients)
    for mistake in _find_mistakes(like, clients, given):
        raise PluginError(mistake)
    for option, url in given.addresses.items():
        _check_address(option, url)
    needed = _get_addresses(like, clients, has_phone=given.phone)
    made_up = f"https://{_make_host(name)}.example"
    urls = {key: given.addresses.get(option) or f"{made_up}{path}" for key, (option, path) in needed.items()}
    if like is VendorProtocol.OAUTH2:
        _check_paths(urls, needed, given.addresses)
    is_invented = any(option not in given.addresses for option, _ in needed.values())
    return NewPlugin(name, like, _parse_titles(name, given.titles), clients, urls, given.phone, is_invented)


def _make_host(name: str) -> str:
    return name.replace("_", "-").strip("-")


def _parse_clients(text: str) -> tuple[ClientType, ...]:
    names = list(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in names:
        if name not in list(ClientType):
            raise PluginError(f"--clients: {name!r} is no client type; {_KNOWN_CLIENTS}")
    return tuple(map(ClientType, names))


_KNOWN_CLIENTS = f"give some of {', '.join(ClientType)}, with commas between"


def _parse_titles(name: str, texts: Sequence[str]) -> dict[str, str]:
    titles: dict[str, str] = dict.fromkeys(("zh", "en"), name_class(name))
    given = set()
    for text in texts:
        language, _, title = text.partition("=")
        title = title.strip()
        if language not in titles or not title:
            raise PluginError(f"--title {text}: give zh=TITLE or en=TITLE")
        if language in given:
            raise PluginError(f"--title: {language} is given twice")
        if len(title) > TITLE_LIMIT or not title.isprintable():
            raise PluginError(f"--title {language}: give at most {TITLE_LIMIT} printable characters")
        given.add(language)
        titles[language] = title
    return titles


def _find_mistakes(like: VendorProtocol, clients: Sequence[ClientType], given: GivenOptions) -> Iterator[str]:
    """Yield what does not go together."""
    is_oidc = like is VendorProtocol.OIDC
    has_browser, has_sdk = (any((client in _BROWSERS) is kind for client in clients) for kind in (True, False))
    if is_oidc and ClientType.MINI in clients:
        yield "--clients: OpenID Connect has no login for mini programs; use --like oauth2 or --like custom"
    if is_oidc and given.phone:
        yield "--phone: goes with --like oauth2 and custom; OpenID Connect has the number in the claim phone_number"
    if given.phone and not has_sdk:
        yield "--phone: goes with mini or app in --clients"
    for option in given.addresses:
        if is_oidc and option != "issuer":
            yield f"--{option}: goes with --like oauth2 and custom; give --issuer, which leads to the rest"
        if not is_oidc and option == "issuer":
            yield "--issuer: goes with --like oidc"
        if option == "authorize" and not has_browser:
            yield "--authorize: goes with pc or h5 in --clients; mini programs and apps begin in the vendor's SDK"


def _check_address(option: str, url: str) -> None:
    try:
        TypeAdapter(Issuer if option == "issuer" else Endpoint).validate_python(url)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise PluginError(f"--{option}: {reason}") from None
    if len(url) > URL_LIMIT:
        raise PluginError(f"--{option}: give at most {URL_LIMIT} characters")


def _get_addresses(
    like: VendorProtocol, clients: Sequence[ClientType], *, has_phone: bool
) -> dict[str, tuple[str, str]]:
    """Return the addresses that the package has: for each attribute its option and the path of an invented one."""
    if like is VendorProtocol.OIDC:
        return {"issuer": ("issuer", "")}
    has_browser = any(client in _BROWSERS for client in clients)
    has_sdk = any(client not in _BROWSERS for client in clients)
    is_oauth2 = like is VendorProtocol.OAUTH2
    addresses = {"authorize_url": ("authorize", "/authorize")} if has_browser else {}
    if has_browser or not is_oauth2:
        addresses["token_url"] = ("token", "/token")
    addresses["userinfo_url"] = ("userinfo", "/userinfo")
    if has_sdk and is_oauth2:
        # without a redirect it is the one address at which codes are redeemed
        addresses["code_url"] = ("" if has_browser else "token", "/code")
    if has_phone:
        addresses["phone_url"] = ("", "/phone")
    return addresses


def _check_paths(urls: Mapping[str, str], needed: Mapping[str, tuple[str, str]], given: Collection[str]) -> None:
    """Check that a sandbox can serve the addresses: it has each at its path, below an address of its own."""
    keys: dict[str, str] = {}
    for key, url in urls.items():
        option, path = needed[key][0], urlsplit(url).path
        if not _PATH.fullmatch(path):
            raise PluginError(
                f"--{option}: give an address with a path of letters, digits and punctuation but % and {{}}"
            )
        other = keys.setdefault(path.rstrip("/"), key)
        if other != key:
            # the one that was given, where the other is made up
            option, other = (option, other) if option in given else (needed[other][0], key)
            raise PluginError(f"--{option}: its path is that of {other} too, which --like custom alone can do")
