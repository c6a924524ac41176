"""GitHub's provider against GitHub's documented answers."""

from typing import ClassVar

import httpx
import pytest

from connect_core.plugin import CodeInvalid, PersonId, ProviderBadResponse, ProviderConfig, ProviderDenied
from connect_core.sandbox import serving
from connect_core.testing import ProviderContract
from connect_github import GithubProvider
from connect_github.sandbox import GithubSandbox

from ..kit.vendor_transport import Transport, log_in, login_url, make, query

# https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
# (step two, Accept: application/json)
TOKENS = b'{"access_token":"gho_16C7e42F292c6912E7710c838347Ae178B4a","scope":"repo,gist","token_type":"bearer"}'
# https://docs.github.com/en/rest/users/users#get-the-authenticated-user
USER = (
    b'{"login":"octocat","id":1,"node_id":"MDQ6VXNlcjE=","avatar_url":"https://github.com/images/error/octocat_happy.gif",'
    b'"type":"User","site_admin":false,"name":"monalisa octocat","company":"GitHub","location":"San Francisco",'
    b'"email":"octocat@github.com","hireable":false,"bio":"There once was..."}'
)
# https://docs.github.com/en/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors
REFUSALS = {
    "incorrect_client_credentials": ProviderConfig,
    "redirect_uri_mismatch": ProviderConfig,
    "bad_verification_code": CodeInvalid,
    "unverified_user_email": ProviderDenied,
}


def answering(tokens: bytes, user: bytes = USER) -> Transport:
    """A GitHub that answers so."""
    return Transport({"/login/oauth/access_token": tokens, "/user": user})


async def test_link_is_the_documented_one() -> None:
    """A code challenge, and no scope: what everybody can read is enough to name a person."""
    url = await login_url(make(GithubProvider))
    assert url.startswith("https://github.com/login/oauth/authorize?")
    parameters = query(url)
    assert (parameters["code_challenge_method"], "scope" in parameters, "client_secret" in parameters) == (
        "S256",
        False,
        False,
    )


async def test_documented_answers_name_a_person() -> None:
    """The numeric id is the person; names and addresses may change hands."""
    transport = answering(TOKENS)
    identity = await log_in(make(GithubProvider, transport))
    assert (identity.union_type, identity.ids) == ("GITHUB", (PersonId.user_id("1"),))
    assert identity.profile is not None
    assert (identity.profile.nickname, identity.profile.face) == (
        "monalisa octocat",
        "https://github.com/images/error/octocat_happy.gif",
    )
    assert transport.requests[0].headers["accept"] == "application/json"


async def test_person_without_a_display_name() -> None:
    """GitHub sends null there; the login name is shown."""
    identity = await log_in(make(GithubProvider, answering(TOKENS, b'{"login":"octocat","id":1,"name":null}')))
    assert identity.profile is not None
    assert identity.profile.nickname == "octocat"


@pytest.mark.parametrize(("word", "kind"), REFUSALS.items())
async def test_documented_refusals_inside_http_200(word: str, kind: type[Exception]) -> None:
    """GitHub says no to a code with HTTP 200."""
    content = f'{{"error":"{word}","error_description":"...","error_uri":"https://docs.github.com"}}'.encode()
    with pytest.raises(kind):
        await log_in(make(GithubProvider, answering(content)))


async def test_login_name_is_no_id() -> None:
    """Without the number nobody is logged in: a login name can be given up and taken by somebody else."""
    with pytest.raises(ProviderBadResponse):
        await log_in(make(GithubProvider, answering(TOKENS, b'{"login":"octocat"}')))


def test_sandbox_answers_forms_unless_asked_for_json() -> None:
    """As GitHub does; a provider that forgets the header meets a form."""
    with serving(GithubSandbox().app()) as url, httpx.Client(trust_env=False) as client:
        answer = client.post(f"{url}/login/oauth/access_token", data={"client_id": "x"})
    assert answer.text.startswith("error=incorrect_client_credentials&")


class TestContract(ProviderContract):
    """The id is in user-info, so every login asks for it."""

    plugin = "github"
    token_operation = "token"
    id_operation = "userinfo"
    untrusted = ("missing_id",)
    refusals: ClassVar = {
        "bad_verification_code": "code_invalid",
        "incorrect_client_credentials": "provider_config",
        "redirect_uri_mismatch": "provider_config",
        "something_new": "provider_refused",
    }
