"""A vendor that wraps user-info in `data`, with providers and sandboxes that each have one mistake of an author."""

from types import MappingProxyType
from typing import Any, ClassVar

from connect_core.plugin import Claims, OAuth2Provider, PersonId, Profile, Quirks, Register, hookimpl
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login

ME = "https://api.wrapped.example/users/me"
IDS = Claims(user_id="data.gid")


def documents(userinfo_id: str = "467") -> tuple[DocumentedRequest, ...]:
    """The vendor's documentation, whose example of user-info has that id."""
    return (
        DocumentedRequest(
            "GET",
            "https://wrapped.example/authorize",
            query=of_login("response_type client_id redirect_uri state code_challenge code_challenge_method"),
        ),
        DocumentedRequest(
            "POST",
            "https://wrapped.example/token",
            form=of_login("grant_type client_id client_secret redirect_uri code code_verifier"),
            answer={"access_token": "f6ds7fdsa", "token_type": "bearer", "data": {"gid": "467"}},
        ),
        DocumentedRequest(
            "GET",
            ME,
            headers={"Authorization": "Bearer {access_token}"},
            answer={"data": {"gid": userinfo_id, "name": "Greg", "photo": {"small": "https://img.example/1.png"}}},
        ),
    )


class Wrapped(OAuth2Provider):
    """The right provider."""

    union_type = "WRAPPED"
    titles = MappingProxyType({"zh": "包", "en": "Wrapped"})
    authorize_url = "https://wrapped.example/authorize"
    token_url = "https://wrapped.example/token"
    userinfo_url = ME
    id_claims = IDS
    claims = Claims(user_id="gid", nickname="name", face="photo.small")
    quirks = Quirks(userinfo_envelope="data", errors={"provider_config": ("app_blocked",)})


class Unopened(Wrapped):
    """Its author forgot the envelope."""

    quirks = Quirks()


class Misread(Wrapped):
    """It reads an error that the vendor documents as something else than the quirks say."""

    def read_answer(self, operation: str, answer: Any) -> Any:
        """Read `app_blocked` as an answer that cannot be used."""
        if b"app_blocked" in answer.content:
            return {}
        return super().read_answer(operation, answer)


class WrappedSandbox(OAuth2Sandbox):
    """The vendor."""

    title = "Wrapped sandbox"
    provider: ClassVar[type[OAuth2Provider]] = Wrapped
    documented = documents()
    documented_ids = (PersonId.user_id("467"),)
    documented_profile = Profile.of(nickname="Greg", face="https://img.example/1.png")

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token with the person's id."""
        gid = str(self.user_id(grant.person.key))
        return {"access_token": token, "token_type": "bearer", "data": {"gid": gid}}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person; the picture is null for somebody without one."""
        photo = {"small": person.face} if person.face else None
        return {"data": {"gid": str(self.user_id(person.key)), "name": person.nickname, "photo": photo}}


class UnopenedSandbox(WrappedSandbox):
    """The vendor, for the provider without the envelope."""

    provider: ClassVar[type[OAuth2Provider]] = Unopened


class TwoPeopleSandbox(WrappedSandbox):
    """The documentation's examples are of two people."""

    documented = documents("123")


class CrashingSandbox(WrappedSandbox):
    """Its answer of an error in user-info raises."""

    def write(self, answer: Any, request: Any, operation: str, *, is_error: bool) -> str:
        """Write user-info's errors as if they had a member that they have not."""
        if is_error and operation == "userinfo":
            answer = {"errors": answer["errors"]}
        return super().write(answer, request, operation, is_error=is_error)


class SecretSandbox(WrappedSandbox):
    """It takes the secret in the header alone."""

    def _authenticate(self, call: Any, headers: Any) -> None:
        self.__dict__["provider"] = type("Basic", (Wrapped,), {"quirks": Quirks(client_auth="basic")})
        super()._authenticate(call, headers)


class InventedSandbox(WrappedSandbox):
    """Its author made up a name for the answer of user-info, beside a method of their own that is called."""

    def profile_answer(self, person: Person) -> dict[str, Any]:
        """Return what nobody asks for."""
        return {"data": {"gid": self.team_of(person)}}

    def team_of(self, person: Person) -> str:
        """Return an id for `profile_answer`."""
        return str(self.user_id(person.key))


SANDBOXES = MappingProxyType(
    {
        "wrapped": (Wrapped, WrappedSandbox),
        "unopened": (Unopened, UnopenedSandbox),
        "misread": (Misread, WrappedSandbox),
        "two-people": (Wrapped, TwoPeopleSandbox),
        "crashing": (Wrapped, CrashingSandbox),
        "basic": (Wrapped, SecretSandbox),
        "invented": (Wrapped, InventedSandbox),
    }
)


class WrappedPlugins:
    """The plugin object that registers them, and one whose sandbox does not exist."""

    @hookimpl
    def connect_register_providers(self, register: Register) -> None:
        """Register each by its name."""
        for name, (provider, sandbox) in SANDBOXES.items():
            register(name, provider, sandbox=f"{__name__}:{sandbox.__name__}")
        register("nameless", Wrapped, sandbox=f"{__name__}:WrappedSandBox")
