"""The sections of `connect.toml` as frozen models: keys, types, defaults and what each key is for.

Reads nothing; `loading` turns a file into these.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr, SecretStr, model_validator
from pydantic.types import DirectoryPath, FilePath

from connect_core.identity import ClientType
from connect_core.languages import find_text
from connect_core.settings.locks import Locks, is_locked
from connect_core.settings.operations import AdminSettings, EventSettings, ResourceServer, WebhookName, WebhookSettings
from connect_core.settings.values import (
    DAY,
    AllowedAddress,
    Duration,
    Section,
    check_language,
    check_network,
    check_origin,
    check_page_address,
    check_public_url,
    check_redis_url,
    check_secret_keys,
    check_time_zone,
    parse_secret_key,
)


class ProviderSettings(Section):
    """What every provider's settings share; a plugin adds its own keys.

    Frozen; unknown keys are refused; secrets are `SecretStr`.
    """

    profile_max_age: Duration = Field(
        default=30 * DAY,
        ge=0,
        description="Age of a member's profile above which the next login fetches it again.",
    )
    denial_words: tuple[str, ...] = Field(
        default=(),
        description="Further words of the vendor, as error or in place of the code, that mean the person refused.",
    )


class ConfiguredVendor(ProviderSettings):
    """What a provider takes whose vendor is known by configuration alone."""

    union_type: str = Field(
        "",
        pattern=r"^[A-Z0-9_-]{0,32}$",
        description="The namespace of the ids; default: the provider's NAME in upper case.",
    )
    title: str | Mapping[Annotated[str, AfterValidator(check_language)], str] = Field(
        "", description="What pages call it, or a table by language, with `zh` and `en`; default: `union_type`."
    )

    @property
    def titles(self) -> dict[str, str]:
        """The title in every language."""
        title = self.title or self.union_type
        return {"zh": title, "en": title} if isinstance(title, str) else dict(title)


class Service(Section):
    """`[service]`: where the shop is and how logins end."""

    public_url: Annotated[str, AfterValidator(check_public_url)] = Field(
        description="The service's own origin; every callback URL is built from it."
    )
    database_url: str = Field(
        default="sqlite:///connect.db",
        repr=False,
        description="An SQLAlchemy URL; its parameters are the driver's. SQLite paths are relative to `connect.toml`.",
    )
    sqlite_synchronous: Literal["full", "normal"] = Field(
        default="full", description="`normal`: a power loss may cost the last commits."
    )
    database_pool_size: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="Most connections of one process to a database server; each has a thread. SQLite needs none.",
    )
    redis_url: Annotated[SecretStr, AfterValidator(check_redis_url)] | None = Field(
        default=None,
        description="A Redis that processes share: `redis://`, `rediss://`, `unix://`, or "
        "`redis+sentinel://HOST:PORT,HOST:PORT/NAME`. May be left out.",
    )
    secret_keys: Annotated[list[SecretStr], AfterValidator(check_secret_keys)] = Field(
        description="base64url of 32 bytes each; the first seals, all open."
    )
    redirect_allow: list[AllowedAddress] = Field(
        default=[], description="Origins with path prefix that a login may return to, besides our own."
    )
    home_url: str = Field(
        default="/",
        description="Where a login without `return_to` lands. Our own `/` leads to the account page.",
    )
    first_login: Literal["register", "choose"] = Field(
        default="register",
        description="A person never seen before is registered, or asked first (`choose`) for an account they have.",
    )
    binder_url: str = Field(
        default="", description="A front end's own page for newcomers of the `/buyer` routes, which gets `uuid`."
    )
    settings: Literal["file", "database"] = Field(
        default="file",
        description="`database`: what operators change at run time comes over this file, save where it says `locked`.",
    )
    cors_origins: list[Annotated[str, AfterValidator(check_origin)]] = Field(
        default=[], description="Exact origins of front ends that call the JSON routes with cookies."
    )
    trusted_proxies: list[Annotated[str, AfterValidator(check_network)]] = Field(
        default=[], description="Addresses or networks whose X-Forwarded-For, Forwarded or X-Real-IP limits believe."
    )
    readable_token_cookies: bool = Field(
        default=False, description="Leave HttpOnly off the token cookies of the `/buyer` routes."
    )
    prefix: str = Field(
        default="/connect",
        pattern=r"^/([a-z0-9_-][a-z0-9/_-]*)?[a-z0-9_-]$",
        description="Where the routes are mounted.",
    )
    root_path: str = Field(
        default="",
        pattern=r"^(/[A-Za-z0-9._~-]+)*$",
        description="Path in front of `prefix` under which browsers reach the service, where neither a mount nor the "
        "ASGI server says so: a proxy cuts it off.",
    )
    handover: bool = Field(default=True, description="A PC may be logged in by a phone that scans its QR code.")
    unbind_after: Duration = Field(
        default=0, ge=0, description="Age that a connection must have before its member can unlink it."
    )
    merge_undo_within: Duration = Field(
        default=7 * DAY, ge=0, description="Time within which a merge of two accounts can be undone."
    )
    required_plugins: list[str] = Field(
        default=[],
        description="Plugins, by entry point, without which the service does not start; others may fail.",
    )
    shared_union_types: list[str] = Field(
        default=[],
        description="Union types that plugins of several distributions may use, because they mean the same people.",
    )
    outbound_proxy: bool = Field(
        default=False, description="Use HTTP_PROXY, HTTPS_PROXY and NO_PROXY for vendor calls."
    )

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The `secret_keys`, decoded: 32 bytes each."""
        return tuple(parse_secret_key(key.get_secret_value()).get_secret_value() for key in self.secret_keys)

    @property
    def is_plain_loopback(self) -> bool:
        """Plain http on this machine: cookies drop `Secure` and `__Host-`."""
        return self.public_url.startswith("http://")


class Limits(Section):
    """`[limits]`: what one address and one vendor may take."""

    vendor_calls: int = Field(
        default=50, ge=1, description="Calls at once, per provider; up to 200 more wait within the deadline."
    )
    vendor_outages: str = Field(
        default="5/minute",
        pattern=r"^(off|[1-9]\d{0,6}/(second|minute|hour))$",
        description="Outages of a vendor in a row after which no login with it is begun for a while, in each process.",
    )
    per_address: str = Field(
        default="600/minute",
        pattern=r"^(off|[1-9]\d{0,6}/(second|minute|hour))$",
        description="Login starts, callbacks and codes per client address; a carrier's NAT has thousands of people.",
    )
    failures_per_address: str | None = Field(
        default=None,
        pattern=r"^(off|[1-9]\d{0,6}/(second|minute|hour))$",
        description="Those of them that are refused as wrong; default `60/minute`, and `off` where `per_address` is.",
    )
    per_username: str = Field(
        default="10/hour",
        pattern=r"^(off|[1-9]\d{0,6}/(second|minute|hour))$",
        description="Tries of a password per user name, counted in the database for all processes.",
    )

    @property
    def failures(self) -> str:
        """The rule for `failures_per_address`."""
        return self.failures_per_address or ("off" if self.per_address == "off" else "60/minute")


class SessionLifetimes(Section):
    """`[sessions]`: how long logins last."""

    access_token: Duration = Field(default=1200, ge=60, description="Life of an access token.")
    idle: Duration = Field(default=7 * DAY, ge=60, description="A session or refresh token unused for so long ends.")
    absolute: Duration = Field(default=30 * DAY, ge=60, description="A session ends after this, used or not.")
    reauth_after: Duration = Field(
        default=600, ge=60, description="Age of a login above which linking, unlinking and the like need a new one."
    )


PageAddress = Annotated[str, AfterValidator(check_page_address)]
Consent = Literal["off", "shown", "required"]


class PageSettings(Section):
    """`[pages]`: the shop's name, terms, look, languages and time zone; paths are relative to `connect.toml`."""

    name: str | Mapping[Annotated[str, AfterValidator(check_language)], str] = Field(
        default="",
        description="The shop's name, at the top of each page and in its title, or a table by language, such as `zh`.",
    )
    logo: FilePath | None = Field(
        default=None, description="The shop's logo, beside the name: an SVG, PNG or WebP of at most 256 KiB."
    )
    terms_url: PageAddress = Field(
        default="", description="The shop's terms of use, linked from the foot of each page."
    )
    privacy_url: PageAddress = Field(default="", description="The shop's privacy policy, linked beside them.")
    terms_version: str = Field(
        default="",
        max_length=32,
        pattern=r"^[A-Za-z0-9._-]*$",
        description="The version of both, such as their date; stored with each member who agreed to it.",
    )
    consent: Consent | None = Field(
        default=None,
        description="`shown`: the login page says that who goes on agrees; `required`: nobody is registered without "
        "ticking a box; `off`: neither. Default: `shown` where `terms_url` is set.",
    )

    stylesheet: FilePath | None = Field(default=None, description="A CSS file of the shop's own, linked after ours.")
    template_folder: DirectoryPath | None = Field(
        default=None, description="A folder whose templates replace ours of the same name."
    )
    languages: list[Annotated[str, AfterValidator(check_language)]] = Field(
        default=[],
        description="The languages that pages offer, in this order, such as `zh-CN`; default: all that there are.",
    )
    default_language: Annotated[str, AfterValidator(check_language)] | None = Field(
        default=None,
        description="For visitors who ask for none of `languages`; default: `en`, or the first where `en` is left out.",
    )
    locale_folder: DirectoryPath | None = Field(
        default=None,
        description="A folder of gettext catalogues, as `fr/LC_MESSAGES/connect.po`: more languages, or other texts.",
    )
    time_zone: Annotated[str, AfterValidator(check_time_zone)] = Field(
        default="UTC", description="The time zone of the times on pages, such as `Asia/Shanghai`."
    )
    geoip_database: FilePath | None = Field(
        default=None,
        description="A MaxMind file (`.mmdb`) of cities or countries, for the place of a login; wants the extra "
        "`geoip`.",
    )

    @property
    def consent_mode(self) -> Consent:
        """How newcomers agree to the terms; the default is filled in."""
        return self.consent or ("shown" if self.terms_url else "off")

    def get_name(self, language: str) -> str:
        """Return the shop's name in `language`, or else in another one; empty where it has none."""
        return self.name if isinstance(self.name, str) else find_text(self.name, language)

    @model_validator(mode="after")
    def _check_consent(self) -> Self:
        if self.consent in ("shown", "required") and not self.terms_url:
            raise ValueError("consent needs terms_url, which people agree to")
        if self.consent == "required" and not self.terms_version:
            raise ValueError('consent = "required" needs terms_version, which is stored with who agreed')
        return self


class Settings(Section):
    """The whole configuration. `accounts` and `providers` stay raw until the plugins say what they need."""

    service: Service
    limits: Limits = Limits()
    sessions: SessionLifetimes = SessionLifetimes()
    pages: PageSettings = PageSettings()
    clients: dict[ClientType, list[str]] = Field(
        default={}, description="Which providers each client type shows, in order."
    )
    admin: AdminSettings = AdminSettings()
    events: EventSettings = EventSettings()
    webhooks: dict[WebhookName, WebhookSettings] = Field(
        default={}, description="Endpoints that are sent events, by name."
    )
    resource_servers: dict[str, ResourceServer] = Field(
        default={}, description="Services that may ask about tokens and revoke them, by client id."
    )
    accounts: dict[str, dict[str, Any]] = Field(default={}, repr=False)
    providers: dict[str, dict[str, Any]] = Field(default={}, repr=False)

    core_keys: ClassVar[frozenset[str]] = frozenset({"plugin", "use", *ClientType})
    _locks: Locks = PrivateAttr(default_factory=dict)

    @property
    def locks(self) -> Locks:
        """What the file says is `locked`: it stays as it is there when settings come from the database too."""
        return self._locks

    def with_locks(self, locks: Locks) -> Self:
        """Return these settings with `locks` in place of their own."""
        copy = self.model_copy()
        copy._locks = locks
        return copy

    def is_locked(self, section: str, name: str) -> bool:
        """Tell whether the file has locked a setting, such as `app_id` in the section `providers.alipay`."""
        return is_locked(self._locks, section, name)

    def plugin_of(self, provider: str) -> str:
        """The plugin's name behind a configured provider."""
        return str(self.providers[provider].get("plugin", provider))

    def account_of(self, provider: str) -> Mapping[str, Any]:
        """The raw settings that a configured provider takes from its account; empty without one."""
        return self.accounts.get(str(self.providers[provider].get("use", "")), {})

    @property
    def needed_plugins(self) -> frozenset[str]:
        """The names of the plugins that the configured providers come from, and of those that are required."""
        return frozenset([*map(self.plugin_of, self.providers), *self.service.required_plugins])

    def merged(self, provider: str, client_type: ClientType) -> dict[str, Any]:
        """The provider's raw settings for one client type: account, then provider, then client type."""
        table = self.providers[provider]
        return {
            **self.account_of(provider),
            **{key: value for key, value in table.items() if key not in self.core_keys},
            **table.get(client_type, {}),
        }
