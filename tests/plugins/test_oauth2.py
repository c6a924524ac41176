"""OAuth 2.0 by configuration alone: what a shop writes, what start-up says about it, and several vendors at once."""

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connect_core.errors import SettingsError
from connect_core.http import HttpPool
from connect_core.plugin import PersonId, Profile
from connect_core.providers.registry import Plugins, Registry
from connect_core.settings import load_settings
from connect_core.testing import ProviderContract, Visitor, run_shop
from connect_oauth2 import PlainOAuth2Provider
from connect_oauth2.sandbox import AcmeSandbox

from ..kit.vendor_transport import TOKENS, Transport, log_in, login_url, query

SERVICE = """
[service]
public_url = "https://shop.example"
secret_keys = ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"]

[clients]
pc = ["acme"]

[providers.acme]
plugin = "oauth2"
authorize_url = "https://acme.example/authorize"
token_url = "https://acme.example/token"
userinfo_url = "https://acme.example/me"
client_id = "c-1"
client_secret = "s"
"""


def configured(folder: Path, more: str = "", transport: Transport | None = None) -> Registry:
    """Return the registry of a shop whose `connect.toml` has `more` at its end."""
    path = folder / "connect.toml"
    path.write_text(SERVICE + more, "utf-8")
    return Registry(load_settings(path), Plugins(), HttpPool(transport=transport or Transport({})))


def acme(folder: Path, more: str = "", transport: Transport | None = None) -> PlainOAuth2Provider:
    """Return the one configured provider."""
    provider = configured(folder, more, transport).find("acme", "pc").provider
    assert isinstance(provider, PlainOAuth2Provider)
    return provider


def mistakes(folder: Path, more: str) -> tuple[str, ...]:
    """Return what start-up says."""
    with pytest.raises(SettingsError) as refused:
        configured(folder, more)
    return refused.value.mistakes


def me(**answer: Any) -> Transport:
    """A vendor whose user-info is `found`."""
    return Transport({"/token": TOKENS, "/me": json.dumps(answer).encode()})


async def test_name_is_the_union_type(tmp_path: Path) -> None:
    """Union type and title follow from the provider's NAME."""
    provider = acme(tmp_path)
    assert (provider.union_type, provider.titles) == ("ACME", {"zh": "ACME", "en": "ACME"})
    assert (PlainOAuth2Provider.union_type, (await login_url(provider))[:31]) == (
        "OAUTH2",
        "https://acme.example/authorize?",
    )


USER_INFOS: list[tuple[dict[str, Any], Profile]] = [
    ({"sub": "s", "name": "李华", "picture": "https://i.example/1"}, Profile("李华", "https://i.example/1")),
    ({"id": 7, "login": "lihua", "avatar_url": "//i.example/1"}, Profile("lihua", "https://i.example/1")),
    ({"id": 7, "name": "", "nickname": " ", "username": "lihua"}, Profile("lihua")),
    ({"id": 7, "name": {"first": "x"}, "display_name": "李华"}, Profile("李华")),
    ({"id": 7, "picture": {"data": {"url": "https://i.example/1"}}}, Profile(face="https://i.example/1")),
    ({"id": 7, "picture": "", "avatar": {"url": "http://i.example/1"}}, Profile(face="https://i.example/1")),
    (
        {"id": 7, "gender": "female", "address": {"region": "浙江", "locality": "杭州"}},
        Profile("", "", 0, "浙江", "杭州"),
    ),
    ({"sub": "s", "given_name": "李", "family_name": "华"}, Profile("李")),
    ({"id": 7, "nickName": "李华", "photoURL": "//i.example/1"}, Profile("李华", "https://i.example/1")),
    (
        {"id": 7, "full_name": "Li Hua", "login": "", "profile_picture": "https://i.example/1"},
        Profile("Li Hua", "https://i.example/1"),
    ),
    ({"id": 7, "name": None, "picture": None, "gender": None, "address": None}, Profile()),
]


@pytest.mark.parametrize(("userinfo", "profile"), USER_INFOS)
async def test_without_claims_the_commonest_names_are_read(
    tmp_path: Path, userinfo: dict[str, Any], profile: Profile
) -> None:
    """OpenID's standard claims first; what is empty is passed over."""
    assert (await log_in(acme(tmp_path, transport=me(**userinfo)))).profile == profile


async def test_claims_override_field_by_field(tmp_path: Path) -> None:
    """A field that is named is read there and nowhere else; the others stay; an id that is named is the only one."""
    claims = "[providers.acme.claims]\nnickname = 'nick'\nopen_id = 'openid'\n"
    userinfo = {"sub": "s", "openid": "o", "name": "x", "picture": "https://i.example/1"}
    identity = await log_in(acme(tmp_path, claims, me(**userinfo)))
    assert identity.ids == (PersonId.open_id("o", "c-1"),)
    assert identity.profile == Profile(face="https://i.example/1")


def test_union_type_and_titles_are_settings(tmp_path: Path) -> None:
    """Two registrations may share a union type, and a vendor has a name in each language, or one for both."""
    provider = acme(tmp_path, 'union_type = "ACME_ID"\n[providers.acme.title]\nzh = "顶点"\nen = "Acme"\n')
    assert (provider.union_type, provider.titles) == ("ACME_ID", {"zh": "顶点", "en": "Acme"})
    assert acme(tmp_path, 'title = "Acme"\n').titles == {"zh": "Acme", "en": "Acme"}


@pytest.mark.parametrize(("answer", "value"), [({"sub": "s", "id": 7}, "s"), ({"id": 7}, "7"), ({"id": "00a"}, "00a")])
async def test_id_is_sub_else_id(tmp_path: Path, answer: dict[str, Any], value: str) -> None:
    """Without a word about ids, and with a mapping of other fields only."""
    transport = me(**answer, nick="Maria")
    identity = await log_in(acme(tmp_path, 'claims = { nickname = "nick" }\n', transport))
    assert (identity.union_type, identity.ids) == ("ACME", (PersonId.user_id(value),))
    assert identity.profile is not None
    assert identity.profile.nickname == "Maria"


async def test_quirks_and_claims_from_the_file(tmp_path: Path) -> None:
    """What a plugin states in a literal a shop states in a table."""
    more = """
scope = "a b"
claims = { open_id = "openid", nickname = ["nick", "name"] }

[providers.acme.quirks]
names = { client_id = "appid" }
scope_separator = ","
userinfo_envelope = "data"
pkce = "never"
"""
    transport = me(data={"openid": "o", "name": "Maria"})
    provider = acme(tmp_path, more, transport)
    parameters = query(await login_url(provider))
    assert (parameters["appid"], parameters["scope"], "code_challenge" in parameters) == ("c-1", "a,b", False)
    assert (await log_in(provider)).ids == (PersonId.open_id("o", "c-1"),)


async def test_form_of_each_answer_from_the_file(tmp_path: Path) -> None:
    """A table of forms, a path through a list and a parameter of the callback are data in a file as well."""
    more = """
claims = { user_id = "people.0.id" }

[providers.acme.quirks]
answer = { token = "form" }
token_from_callback = ["device_id"]
"""
    transport = Transport(
        {"/token": b"access_token=t0ken&expires_in=7200", "/me": b'{"people":[{"id":9007199254740993}]}'}
    )
    provider = acme(tmp_path, more, transport)
    assert (await log_in(provider)).ids == (PersonId.user_id("9007199254740993"),)
    assert provider.quirks.token_from_callback == ("device_id",)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            "[providers.acme.quirks]\nscope_seperator = ','\n",
            "providers.acme.quirks.scope_seperator: unknown key; did you mean `scope_separator`?",
        ),
        (
            "[providers.acme.claims]\nnick_name = 'n'\n",
            "providers.acme.claims.nick_name: unknown key; did you mean `nickname`?",
        ),
        ("[providers.acme.quirks]\npkce = 'plain'\n", "providers.acme.quirks.pkce: Input should be 'S256' or 'never'"),
        (
            "[providers.acme.quirks]\nauthorize = { state = 'x' }\n",
            "providers.acme.quirks: authorize: state is set by the login itself",
        ),
        (
            "[providers.acme.quirks]\nuserinfo_parameters = { uid = '{uid}' }\n",
            (
                "providers.acme.quirks.userinfo_parameters: uid: only access_token, client_id, open_id, union_id, "
                "user_id may stand in braces, and a setting of your own as {settings.NAME}"
            ),
        ),
        (
            "[providers.acme.quirks]\nerrors = { denied = ['1'] }\n",
            (
                "providers.acme.quirks.errors.denied: Input should be 'code_invalid', 'provider_denied', "
                "'provider_config', 'provider_refused' or 'provider_bad_response'"
            ),
        ),
        ("[providers.acme.quirks]\nanswer = 'xml'\n", "providers.acme.quirks.answer: a form is json, form, jsonp"),
        (
            "[providers.acme.quirks]\nanswer = { tokens = 'form' }\n",
            "providers.acme.quirks.answer: tokens: the calls are token, id, userinfo, code, phone, app_token",
        ),
        (
            "id_url = 'https://acme.example/id'\n",
            "providers.acme.id_url: id_claims must say where the id stands in its answer",
        ),
        ("union_type = 'acme'\n", "providers.acme.union_type: is not in the form that it must have"),
        ("[providers.acme.claims]\nuser_id = ''\n", None),
    ],
)
def test_wrong_settings_stop_start_up(tmp_path: Path, more: str, message: str | None) -> None:
    """Each mistake is told with the path of its key."""
    said = mistakes(tmp_path, more)
    assert said
    assert message is None or said == (message,)


@pytest.mark.parametrize("key", ["authorize_url", "token_url", "userinfo_url", "client_secret"])
def test_addresses_and_secret_are_required(tmp_path: Path, key: str) -> None:
    """No vendor is built in."""
    lines = [line for line in SERVICE.splitlines() if not line.startswith(f"{key} =")]
    path = tmp_path / "connect.toml"
    path.write_text("\n".join(lines), "utf-8")
    with pytest.raises(SettingsError) as refused:
        Registry(load_settings(path), Plugins(), HttpPool(transport=Transport({})))
    assert refused.value.mistakes == (f"providers.acme.{key}: is missing",)


def test_two_vendors_are_two_namespaces() -> None:
    """The same person's number at two configured vendors is two connections, each under its own union type."""

    def change(raw: dict[str, Any]) -> None:
        first = raw["providers"].pop("oauth2")
        raw["providers"] |= {"acme": {**first, "plugin": "oauth2"}, "apex": {**first, "plugin": "oauth2"}}
        raw["clients"] = {"pc": ["acme", "apex"]}

    with run_shop({"oauth2": AcmeSandbox()}, change=change) as shop, Visitor(shop) as visitor:
        for name in ("acme", "apex"):
            callback = visitor.consent(visitor.begin(name, "pc"))
            assert visitor.http.get(callback).status_code == 303
        offered = visitor.http.get("/connect/providers?client=pc").json()
        rows = shop.rows("es_connect")
    assert [entry["provider"] for entry in offered] == ["acme", "apex"]
    assert [row["union_type"] for row in rows] == ["ACME", "APEX"]
    assert len({row["union_id"] for row in rows}) == 1
    assert len({row["member_id"] for row in rows}) == 2


class TestContract(ProviderContract):
    """A vendor with names, envelopes and errors of its own."""

    plugin = "oauth2"
    token_operation = "token"
    id_operation = "userinfo"
    untrusted = ("missing_id",)
    refusals: ClassVar = {"code_expired": "code_invalid", "no_such_client": "provider_config", "x": "provider_refused"}
