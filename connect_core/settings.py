"""The shop's configuration: one `connect.toml`, read once, every mistake told at once with the path of its key.

`env:NAME` and `file:PATH` stand for a value kept elsewhere. A provider's settings for a client type are its account's,
then its own, then the client type's; later wins. What a provider's settings must look like is the plugin's to say.
"""

import base64
import binascii
import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretBytes, SecretStr, ValidationError
from pydantic.types import DirectoryPath, FilePath

from connect_core.errors import SettingsError
from connect_core.identity import ClientType

T = TypeVar("T")

DAY = 24 * 3600
_PATHS = frozenset({"pages.stylesheet", "pages.template_folder"})


def is_loopback(host: str | None) -> bool:
    """Tell whether `host` (a URL's, without port) names this machine."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return False
    # what an IPv4 address inside an IPv6 one means differs between versions of Python
    return address.is_loopback and not (address.version == 6 and address.ipv4_mapped)


_ADDRESS = re.compile(
    r"""https?://([\w.-]+|\[[0-9a-f:.]+])(:[1-9]\d{0,4})?  # no user name: what stands before an @ looks like the host
        ([/?][!"$-\[\]-~]*)?  # visible ASCII but # and backslash, which browsers take for a slash""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)


def check_endpoint(url: str) -> str:
    """Return `url` as it is: an absolute https address, or plain http of a loopback host. Raises `ValueError`."""
    if not _ADDRESS.fullmatch(url):
        raise ValueError("give an absolute https:// address")
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("plain http is accepted for loopback hosts only; use https://")
    return url


def _endpoint(url: str) -> str:
    check_endpoint(url)
    return url.rstrip("/") if urlsplit(url).path in ("", "/") else url


def _origin(url: str) -> str:
    origin = _endpoint(url)
    if not re.fullmatch("[a-z]+://[^/?A-Z]+", origin):
        raise ValueError("give the origin alone, in lower case and without a path")
    return origin


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        raise ValueError("give an address or a network such as 10.0.0.0/8") from None
    return text


def _redis_url(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("give redis://, rediss:// or unix:// with host, port and number")
    return url


def _secret_key(text: str) -> SecretBytes:
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise ValueError("give 32 bytes as base64url; `connect-login keys generate` prints one")
    return SecretBytes(key)


Endpoint = Annotated[str, AfterValidator(_endpoint)]
"""An absolute https address; plain http for loopback hosts only."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ProviderSettings(_Section):
    """What every provider's settings share; a plugin adds its own keys.

    Frozen; unknown keys are refused; secrets are `SecretStr`.
    """

    profile_max_age: int = Field(
        default=30 * DAY, ge=0, description="Seconds after which a member's profile is asked for again."
    )


class ConfiguredVendor(ProviderSettings):
    """What a provider takes whose vendor is known by configuration alone."""

    union_type: str = Field(
        "",
        pattern=r"^[A-Z0-9_-]{0,32}$",
        description="The namespace of the ids; default: the provider's NAME in upper case.",
    )
    title: str | Mapping[Literal["zh", "en"], str] = Field(
        "", description="What pages call it, or a table with `zh` and `en`; default: `union_type`."
    )

    @property
    def titles(self) -> dict[str, str]:
        """The title in every language."""
        title = self.title or self.union_type
        return {"zh": title, "en": title} if isinstance(title, str) else {str(k): v for k, v in title.items()}


class Service(_Section):
    """`[service]`: where the shop is and how logins end."""

    public_url: Annotated[str, AfterValidator(_origin)] = Field(
        description="The service's own origin; every callback URL is built from it."
    )
    database_url: str = Field(default="sqlite:///connect.db", repr=False, description="An SQLAlchemy URL.")
    sqlite_synchronous: Literal["full", "normal"] = Field(
        default="full", description="`normal`: a power loss may cost the last commits."
    )
    redis_url: Annotated[SecretStr, AfterValidator(_redis_url)] | None = Field(
        default=None, description="A Redis that processes share: `redis://`, `rediss://` or `unix://`. May be left out."
    )
    secret_keys: list[SecretStr] = Field(
        min_length=1, description="base64url of 32 bytes each; the first seals, all open."
    )
    redirect_allow: list[Endpoint] = Field(
        default=[], description="Origins with path prefix that a login may return to, besides our own."
    )
    home_url: str = Field(default="/", description="Where a login without `return_to` lands.")
    first_login: Literal["register", "choose"] = Field(
        default="register",
        description="A person never seen before is registered, or asked first (`choose`) for an account they have.",
    )
    binder_url: str = Field(
        default="", description="A front end's own page for newcomers of the `/buyer` routes, which gets `uuid`."
    )
    cors_origins: list[Annotated[str, AfterValidator(_origin)]] = Field(
        default=[], description="Exact origins of front ends that call the JSON routes with cookies."
    )
    trusted_proxies: list[Annotated[str, AfterValidator(_network)]] = Field(
        default=[], description="Addresses or networks whose X-Forwarded-For is believed, for limits and logs."
    )
    readable_token_cookies: bool = Field(
        default=False, description="Leave HttpOnly off the token cookies of the `/buyer` routes."
    )
    prefix: str = Field(
        default="/connect", pattern=r"^/[a-z0-9/_-]*[a-z0-9_-]$", description="Where the routes are mounted."
    )
    handover: bool = Field(default=True, description="A PC may be logged in by a phone that scans its QR code.")
    unbind_cooldown: int = Field(
        default=0, ge=0, description="Seconds that a connection must have existed before its member can end it."
    )
    merge_undo: int = Field(
        default=7 * DAY, ge=0, description="Seconds for which a merge of two accounts can be undone."
    )
    required_plugins: list[str] = Field(
        default=[],
        description="Plugins, by entry point, without which the service does not start; others may fail.",
    )
    outbound_proxy: bool = Field(
        default=False, description="Use HTTP_PROXY, HTTPS_PROXY and NO_PROXY for vendor calls."
    )

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The key ring, decoded."""
        return tuple(_secret_key(key.get_secret_value()).get_secret_value() for key in self.secret_keys)

    @property
    def is_plain_loopback(self) -> bool:
        """Plain http on this machine: cookies drop `Secure` and `__Host-`."""
        return self.public_url.startswith("http://")


class Limits(_Section):
    """`[limits]`: what one address and one vendor may take."""

    vendor_calls: int = Field(
        default=50, ge=1, description="Calls at once, per provider; up to 200 more wait within the deadline."
    )
    per_address: str = Field(
        default="60/minute",
        pattern=r"^(off|[1-9]\d{0,6}/(second|minute|hour))$",
        description="Login starts and callbacks per client address.",
    )
    per_account: str = Field(
        default="10/hour",
        pattern=r"^(off|[1-9]\d{0,6}/(second|minute|hour))$",
        description="Tries of a password per user name.",
    )


class Sessions(_Section):
    """`[sessions]`: how long logins last, in seconds."""

    access_token: int = Field(default=1200, ge=60, description="Life of an access token.")
    idle: int = Field(default=7 * DAY, ge=60, description="A session or refresh token unused for so long ends.")
    absolute: int = Field(default=30 * DAY, ge=60, description="A session ends after this, used or not.")
    recent: int = Field(default=600, ge=60, description="Age of a login up to which it may bind, unbind and the like.")


class PageSettings(_Section):
    """`[pages]`: the shop's own look; both paths are relative to `connect.toml`."""

    stylesheet: FilePath | None = Field(default=None, description="A CSS file of the shop's own, linked after ours.")
    template_folder: DirectoryPath | None = Field(
        default=None, description="A folder whose templates replace ours of the same name."
    )


class Settings(_Section):
    """The whole configuration. `accounts` and `providers` stay raw until the plugins say what they need."""

    service: Service
    limits: Limits = Limits()
    sessions: Sessions = Sessions()
    pages: PageSettings = PageSettings()
    clients: dict[ClientType, list[str]] = Field(
        default={}, description="Which providers each client type shows, in order."
    )
    accounts: dict[str, dict[str, Any]] = Field(default={}, repr=False)
    providers: dict[str, dict[str, Any]] = Field(default={}, repr=False)

    core_keys: ClassVar[frozenset[str]] = frozenset({"plugin", "use", *ClientType})

    def plugin_of(self, provider: str) -> str:
        """The plugin's name behind a configured provider."""
        return str(self.providers[provider].get("plugin", provider))

    def merged(self, provider: str, client_type: ClientType) -> dict[str, Any]:
        """The provider's raw settings for one client type: account, then provider, then client type."""
        own = self.providers[provider]
        account = self.accounts.get(str(own.get("use", "")), {})
        return {
            **account,
            **{key: value for key, value in own.items() if key not in self.core_keys},
            **own.get(client_type, {}),
        }


def load_settings(path: Path) -> Settings:
    """Read `connect.toml`. Raises `SettingsError` with every mistake found."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        mistake = "there is no such file; `connect-login init` writes one"
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        mistake = str(error)
    else:
        return parse_settings(raw, path.parent)
    # raised out here: a decoding error shows the whole file in its repr
    raise SettingsError([f"{path}: {mistake}"])


def parse_settings(raw: Mapping[str, Any], folder: Path = Path()) -> Settings:
    """Check a configuration given as plain data; `file:` paths are relative to `folder`. Raises `SettingsError`."""
    mistakes: list[str] = []
    resolved = _resolve(dict(raw), folder, "", mistakes)
    absent = {mistake.partition(":")[0] for mistake in mistakes}
    settings, found = None, list(_cross_checks(resolved))
    try:
        settings = Settings.model_validate(resolved)
    except ValidationError as error:
        found = [*explain(error, Settings), *found]
    mistakes += [mistake for mistake in found if mistake.partition(":")[0] not in absent]
    if mistakes or settings is None:
        raise SettingsError(mistakes)
    return settings


def check_provider_settings(
    model: type[ProviderSettings], raw: Mapping[str, Any], path: str, shared: frozenset[str] = frozenset()
) -> ProviderSettings:
    """Check a provider's merged settings against its plugin's model. Raises `SettingsError`, keys below `path`.

    `shared` are keys that came from an account, which other software may use too: unknown ones among them are ignored.
    """
    known = {key: value for key, value in raw.items() if key in model.model_fields or key not in shared}
    try:
        return model.model_validate(known)
    except ValidationError as error:
        raise SettingsError(explain(error, model, path)) from None


def explain(error: ValidationError, model: type[BaseModel], path: str = "") -> list[str]:
    """Turn pydantic's report into one line a mistake: the key's path, what is wrong, and the nearest known key."""
    lines = []
    for item in error.errors(include_input=False, include_url=False, include_context=False):
        where = ".".join(filter(None, [path, *(str(part) for part in item["loc"] if part != "[key]")]))
        match item["type"]:
            case "extra_forbidden":
                near = difflib.get_close_matches(str(item["loc"][-1]), _known_keys(model, item["loc"][:-1]), 1)
                text = "unknown key" + (f"; did you mean `{near[0]}`?" if near else "")
            case "missing":
                text = "is missing"
            case "path_not_file" | "path_not_directory" as kind:
                text = f"there is no such {kind.removeprefix('path_not_')}, seen from connect.toml"
            case _:
                text = item["msg"].removeprefix("Value error, ")
        lines.append(f"{where}: {text}")
    return lines


def _known_keys(model: type[BaseModel], parents: tuple[int | str, ...]) -> list[str]:
    fields = model.model_fields
    if not parents and issubclass(model, ProviderSettings):
        return [*fields, *Settings.core_keys]
    for parent in parents:
        inner = fields[str(parent)].annotation if str(parent) in fields else None
        fields = inner.model_fields if isinstance(inner, type) and issubclass(inner, BaseModel) else {}
    return list(fields)


def _resolve(value: Any, folder: Path, path: str, mistakes: list[str]) -> Any:
    match value:
        case dict():
            return {key: _resolve(item, folder, f"{path}.{key}".lstrip("."), mistakes) for key, item in value.items()}
        case list():
            return [_resolve(item, folder, f"{path}.{place}", mistakes) for place, item in enumerate(value)]
        case str() if value.startswith("env:"):
            name = value.removeprefix("env:")
            if name not in os.environ:
                mistakes.append(f"{path}: the environment variable {name} is not set")
            found = os.environ.get(name, "")
            return folder / found if path in _PATHS else found
        case str() if path in _PATHS:
            return folder / value.removeprefix("file:")
        case str() if value.startswith("file:"):
            try:
                return (folder / value.removeprefix("file:")).read_text("utf-8").strip()
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
                mistakes.append(f"{path}: the file {value.removeprefix('file:')} cannot be read: {reason}")
                return ""
        case _:
            return value


def _cross_checks(raw: Mapping[str, Any]) -> Iterator[str]:
    # on the raw tables, so that these mistakes are told together with pydantic's
    service, accounts, providers, clients = (
        _of(dict, raw.get(key)) for key in ("service", "accounts", "providers", "clients")
    )
    for place, key in enumerate(_of(list, service.get("secret_keys"))):
        try:
            _secret_key(_of(str, key))
        except ValueError as error:
            yield f"service.secret_keys.{place}: {error}"
    for name, provider in providers.items():
        yield from _provider_mistakes(name, _of(dict, provider), accounts)
    for client, listed in clients.items():
        names = [name for name in _of(list, listed) if isinstance(name, str)]
        for name in names:
            if name not in providers:
                yield f"clients.{client}: {name} is not configured; add [providers.{name}]"
        if len(set(names)) != len(names):
            yield f"clients.{client}: a provider is listed twice"


def _provider_mistakes(name: str, provider: Mapping[str, Any], accounts: Mapping[str, Any]) -> Iterator[str]:
    if not re.fullmatch("[a-z0-9][a-z0-9_-]*", name):
        yield f"providers.{name}: names are lower-case letters, digits, - and _"
    for key in ("plugin", "use"):
        if not isinstance(provider.get(key, ""), str):
            yield f"providers.{name}.{key}: give a name"
    account = provider.get("use")
    if isinstance(account, str) and account not in accounts:
        yield f"providers.{name}.use: there is no [accounts.{account}]"
    for client in ClientType:
        if not isinstance(provider.get(client, {}), dict):
            yield f"providers.{name}.{client}: give a table [providers.{name}.{client}]"


def _of(kind: type[T], value: object) -> T:
    """Return `value` if it is of that kind, else an empty one: pydantic tells what is of another."""
    return value if isinstance(value, kind) else kind()
