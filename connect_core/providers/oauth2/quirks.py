"""`Quirks`: where a vendor departs from RFC 6749, as data, for a plugin's code and for `connect.toml` alike.

Values only: nothing here makes a request or reads an answer.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from connect_core.identity import Language
from connect_core.providers.oauth2.templates import fill_settings, find_placeholders, find_settings

Outcome = Literal["code_invalid", "provider_denied", "provider_config", "provider_refused", "provider_bad_response"]
"""The codes of connect-login that a vendor's error can have."""
Method = Literal["get", "form", "json"]
"""How a call is made: parameters in the query of a GET, or POSTed as a form or a JSON object."""
Operation = Literal["token", "id", "userinfo", "code", "phone", "app_token"]
"""The calls that a provider makes, each with an answer of its own."""
AnswerForm = Literal["json", "form", "jsonp"]
"""How an answer is written."""
PLACEHOLDERS = frozenset({"access_token", "client_id", "user_id", "union_id", "open_id"})
"""Placeholders, in braces, in the parameters of a call that is made with an access token."""
CLIENT_PLACEHOLDERS = frozenset({"client_id", "client_secret"})
"""Placeholders in the parameters of a call for an app token."""
CODE_PLACEHOLDERS = CLIENT_PLACEHOLDERS | {"code", "app_token"}
"""Placeholders in the parameters of a call that redeems the code of a mini program or app."""
PHONE_PLACEHOLDERS = PLACEHOLDERS | {"phone_code", "app_token"}
"""Placeholders in the parameters of the call for a phone number."""
NAMES = frozenset(
    {
        "client_id",
        "client_secret",
        "code",
        "code_challenge",
        "code_challenge_method",
        "code_verifier",
        "grant_type",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
    }
)
"""Parameters of RFC 6749 and RFC 7636 that a vendor may have other names for."""
_REPLACEABLE = frozenset({"grant_type", "response_type"})
"""Standard parameters that a vendor's constant parameters may set to another value."""
_CONSTANTS = ("authorize", "authorize_h5", "token_parameters")
"""Fields in which only `{settings.NAME}` is a placeholder, and other braces stand for themselves."""
_TEMPLATES = (
    *("headers", "token_header", "id_parameters", "id_extras", "userinfo_parameters", "userinfo_extras"),
    *("code_parameters", "code_query", "code_header", "phone_parameters", "phone_query", "phone_header"),
    "app_token_parameters",
)
"""Fields with placeholders that are filled in at each call."""
_IN_TOKEN_CALL = frozenset({"client_id", "client_secret", "code", "code_verifier", "grant_type", "redirect_uri"})
"""The standard's parameters of the token call, which no parameter of a callback may replace."""


def _standard_names(names: Mapping[str, str]) -> Mapping[str, str]:
    if unknown := sorted(set(names) - NAMES):
        raise ValueError(f"{', '.join(unknown)}: no parameter of RFC 6749 or 7636 is called so")
    if "state" in names:
        raise ValueError("state keeps its name: the core looks for it")
    return names


def _with_placeholders(allowed: frozenset[str]) -> AfterValidator:
    def check(parameters: Mapping[str, str]) -> Mapping[str, str]:
        settings = {f"settings.{name}" for name in find_settings(parameters)}
        if unknown := sorted(find_placeholders(parameters) - allowed - settings):
            raise ValueError(
                f"{', '.join(unknown)}: only {', '.join(sorted(allowed))} may stand in braces, "
                "and a setting of your own as {settings.NAME}"
            )
        return parameters

    return AfterValidator(check)


def _without_secrets(headers: Mapping[str, str]) -> Mapping[str, str]:
    if "client_secret" in find_placeholders(headers):
        raise ValueError("client_secret: a secret is no part of a header for every call")
    return headers


def _known_forms(answer: object) -> object:
    """Refuse what is no form or table of forms in one line; pydantic would have one for each member of the union."""
    table = answer if isinstance(answer, Mapping) else {"token": answer}
    if unknown := sorted(str(operation) for operation in table if operation not in get_args(Operation)):
        raise ValueError(f"{', '.join(unknown)}: the calls are {', '.join(get_args(Operation))}")
    if not all(form in get_args(AnswerForm) for form in table.values()):
        raise ValueError(f"a form is {', '.join(get_args(AnswerForm))}")
    return answer


Answers = Annotated[AnswerForm | Mapping[Operation, AnswerForm], BeforeValidator(_known_forms)]
Names = Annotated[Mapping[str, str], AfterValidator(_standard_names)]
Templates = Annotated[Mapping[str, str], _with_placeholders(PLACEHOLDERS)]
ClientTemplates = Annotated[Mapping[str, str], _with_placeholders(CLIENT_PLACEHOLDERS)]
CodeTemplates = Annotated[Mapping[str, str], _with_placeholders(CODE_PLACEHOLDERS)]
SettingTemplates = Annotated[Mapping[str, str], AfterValidator(_without_secrets)]
PhoneTemplates = Annotated[Mapping[str, str], _with_placeholders(PHONE_PLACEHOLDERS)]


class Quirks(BaseModel):
    """Where a vendor departs from RFC 6749. What you do not set follows the standard.

    A path such as `data.user.id` or `data.0.id` leads through objects and lists; lists count from 0; `error..tag` leads
    to the member `.tag` of `error`. An empty name in `names` leaves that parameter out. `{settings.NAME}` in a
    parameter or header is the provider's setting of that name, a text or a whole number and no secret. In parameters
    and headers with other placeholders `{{` and `}}` are single braces. Immutable; unknown keys are refused.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    headers: SettingTemplates = Field(
        default={},
        description="Further headers of every call, with `{client_id}` and other settings that are texts filled in: "
        '`{User-Agent = "shop"}`.',
    )
    names: Names = Field(
        default={},
        description="The vendor's own names of `client_id`, `client_secret`, `code`, `code_challenge`, "
        "`code_challenge_method`, `code_verifier`, `grant_type`, `redirect_uri`, `response_type` and `scope`, in both "
        "requests. An empty name leaves the parameter out.",
    )
    scope_separator: str = Field(default=" ", min_length=1, description="What stands between two scopes.")
    pkce: Literal["S256", "never"] = Field(default="S256", description="Whether the vendor takes a code challenge.")
    authorize: Mapping[str, str] = Field(
        default={},
        description="Further constant parameters of the authorization request, with `{settings.NAME}` filled in.",
    )
    authorize_h5: Mapping[str, str] = Field(default={}, description="The same, on H5 only.")
    language_name: str = Field(default="", description="The parameter that sets the language of the vendor's page.")
    languages: Mapping[Language, str] = Field(
        default={},
        description="What the vendor calls a language, by `zh` or by the whole tag `zh-TW`, if otherwise; empty: "
        "nothing is sent.",
    )
    fragment: str = Field(default="", pattern="^[^#]*$", description="What follows `#` in the authorization request.")

    code_names: tuple[str, ...] = Field(default=(), description="Names of the code in the response besides `code`.")
    refuses_without_code: bool = Field(default=False, description="A person's refusal comes back as a bare state.")

    token_method: Method = Field(default="form", description="How the code is redeemed: `get`, `form` or `json`.")
    token_names: Names = Field(default={}, description="As `names`, in the token call only.")
    token_parameters: Mapping[str, str] = Field(
        default={}, description="Further constant parameters of the token call, with `{settings.NAME}` filled in."
    )
    token_from_callback: tuple[str, ...] = Field(
        default=(), description="Parameters of the callback that are repeated in the token call, where they came."
    )
    client_auth: Literal["post", "basic", "none"] = Field(
        default="post", description="How the client authenticates in the token call (RFC 6749 §2.3.1)."
    )
    token_envelope: str = Field(default="", description="Path of the object that holds the token answer.")
    access_token: str = Field(default="access_token", min_length=1, description="Name of the token in it.")

    id_method: Method = Field(default="get", description="How the call for the id is made, where there is one.")
    id_parameters: Templates = Field(default={}, description="As `userinfo_parameters`, for that call.")
    id_extras: Templates = Field(
        default={},
        description="Further parameters of that call, which ask for what the app may have no right to; when the vendor "
        "refuses, it is asked again without them.",
    )
    id_envelope: str = Field(default="", description="Path of the object that holds its answer.")
    userinfo_method: Method = Field(default="get", description="How user-info is asked for: `get`, `form` or `json`.")
    userinfo_parameters: Templates = Field(
        default={},
        description="Its parameters, with `{access_token}`, `{client_id}`, `{open_id}`, `{settings.NAME}` … filled in.",
    )
    userinfo_extras: Templates = Field(default={}, description="As `id_extras`, for user-info.")
    token_header: Templates = Field(
        default={"Authorization": "Bearer {access_token}"},
        description="The header that carries the token where no parameter does (RFC 6750 §2.1).",
    )
    userinfo_envelope: str = Field(default="", description="Path of the object that holds the user-info answer.")

    code_method: Method = Field(
        default="form", description="How `code_url` takes the code of a mini program or app: `get`, `form` or `json`."
    )
    code_parameters: CodeTemplates = Field(
        default={},
        description="Its parameters, with `{code}`, `{client_id}`, `{client_secret}` and `{app_token}` filled in; "
        "default: those of the token call, without redirect_uri and code verifier.",
    )
    code_query: CodeTemplates = Field(
        default={}, description="Parameters that stand in the query of its URL, whatever `code_method` is."
    )
    code_header: CodeTemplates = Field(default={}, description="Headers of that call, such as one with a token.")
    code_envelope: str = Field(default="", description="Path of the object that holds its answer.")
    client_code_name: str = Field(
        default="", description="What a mini program or app calls its code, if otherwise than the callback."
    )

    phone_code_name: str = Field(
        default="phone_code", min_length=1, description="What a mini program or app calls the code for a phone number."
    )
    phone_method: Method = Field(
        default="form", description="How `phone_url` is asked for the number: `get`, `form` or `json`."
    )
    phone_parameters: PhoneTemplates = Field(
        default={"code": "{phone_code}"},
        description="Its parameters, with `{phone_code}`, `{app_token}`, `{access_token}`, `{open_id}` … filled in.",
    )
    phone_query: PhoneTemplates = Field(
        default={}, description="Parameters that stand in the query of its URL, whatever `phone_method` is."
    )
    phone_header: PhoneTemplates = Field(default={}, description="Headers of that call, such as one with a token.")
    phone_envelope: str = Field(default="", description="Path of the object that holds its answer.")
    session_key: str = Field(
        default="",
        description="Path of the session's key in the answer of `code_url`, where the vendor encrypts the phone number "
        "with it (AES-CBC, PKCS#7 padding, all in base64). The client posts `encryptedData` and `iv`.",
    )
    phone_app_id: str = Field(
        default="",
        description="Path at which the decrypted number says for which client id it is, such as `watermark.appid`.",
    )
    phone_frame: bool = Field(
        default=False,
        description="Whether the encrypted number stands between random bytes and the client id, as Baidu's does.",
    )

    app_token_method: Method = Field(
        default="form", description="How `app_token_url` is asked for the app's own token: `get`, `form` or `json`."
    )
    app_token_parameters: ClientTemplates = Field(
        default={},
        description="Its parameters, with `{client_id}` and `{client_secret}` filled in; default: those of RFC 6749 "
        "§4.4.2.",
    )
    app_token_envelope: str = Field(default="", description="Path of the object that holds its answer.")
    app_token: str = Field(default="access_token", min_length=1, description="Name of the app's token in it.")
    app_token_expires_in: str = Field(
        default="expires_in",
        min_length=1,
        description="Name of its lifetime in seconds; a token without one is kept for 5 minutes.",
    )
    app_token_errors: tuple[str, ...] = Field(
        default=("invalid_token",), description="The vendor's errors that mean a dead app token; it is fetched anew."
    )

    answer: Answers = Field(
        default="json",
        description="How answers are written, or a table with a word for each call (`token`, `id`, `userinfo`, `code`, "
        "`phone`, `app_token`). `form`: form-encoded or JSON; `jsonp`: JSON, also as `callback({…});`.",
    )
    prefix: str = Field(default="", description="What stands before every answer.")
    error_signs: Mapping[str, str] = Field(
        default={}, description="Paths at which errors show, each with the value that means none, besides `error`."
    )
    errors: Mapping[Outcome, tuple[str, ...]] = Field(
        default={}, description="What is which of the vendor's errors, besides the standard's: our code = theirs."
    )
    error_trace: str = Field(
        default="",
        description="Path of the trace id that the vendor's support asks for, in its errors and other answers.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if mistake := next(self._mistakes(), ""):
            raise ValueError(mistake)
        return self

    @cached_property
    def outcomes(self) -> Mapping[str, Outcome]:
        """The vendor's errors, each with our code: `errors` turned around."""
        return {error: outcome for outcome, errors in self.errors.items() for error in errors}

    @cached_property
    def envelopes(self) -> Mapping[str, str]:
        """The path of the object that holds the answer, for each operation."""
        return {
            "token": self.token_envelope,
            "id": self.id_envelope,
            "userinfo": self.userinfo_envelope,
            "code": self.code_envelope,
            "phone": self.phone_envelope,
            "app_token": self.app_token_envelope,
        }

    @cached_property
    def answer_forms(self) -> Mapping[str, AnswerForm]:
        """How the answer is written, for each operation; JSON where `answer` does not name it."""
        if isinstance(self.answer, str):
            return dict.fromkeys(get_args(Operation), self.answer)
        forms: dict[str, AnswerForm] = dict.fromkeys(get_args(Operation), "json")
        forms.update(self.answer.items())
        return forms

    @cached_property
    def setting_names(self) -> frozenset[str]:
        """The settings that parameters and headers have as `{settings.NAME}`."""
        return frozenset(name for key in (*_CONSTANTS, *_TEMPLATES) for name in find_settings(getattr(self, key)))

    def with_settings(self, settings: Mapping[str, str]) -> Self:
        """Return these quirks with the values of `settings` filled in. Raises `KeyError` for one without a value."""
        if not self.setting_names:
            return self
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        fields |= {name: fill_settings(fields[name], settings, is_final=True) for name in _CONSTANTS}
        fields |= {name: fill_settings(fields[name], settings, is_final=False) for name in _TEMPLATES}
        return type(self).model_validate(fields)

    def uses_in_code_call(self, placeholder: str) -> bool:
        """Return True when a parameter or header of the call that redeems a client's code has `placeholder`."""
        templates = (self.code_parameters, self.code_query, self.code_header)
        return any(placeholder in find_placeholders(template) for template in templates)

    def uses_in_phone_call(self, placeholder: str) -> bool:
        """Return True when a parameter or header of the call for the phone number has `placeholder`."""
        templates = (self.phone_parameters, self.phone_query, self.phone_header)
        return any(placeholder in find_placeholders(template) for template in templates)

    def _mistakes(self) -> Iterator[str]:
        if len(self.outcomes) != sum(map(len, self.errors.values())):
            yield "errors: one of the vendor's stands twice"
        in_request = {name: self.names.get(name, name) for name in NAMES}
        in_token_call = {**in_request, **self.token_names}
        if self.client_auth == "post" and not in_token_call["client_secret"]:
            yield "client_auth is post, but names leave client_secret out"
        if self.client_auth == "basic" and self.token_method == "get":  # noqa: S105 - a method, no password
            yield "client_auth is basic: that goes with token_method form or json"
        if not in_token_call["code"]:
            yield "names cannot leave code out"
        for names in (in_request, in_token_call):
            used = [name for name in names.values() if name]
            if len(set(used)) != len(used):
                yield "names give two parameters one name"
        for key, names in (
            ("authorize", in_request),
            ("authorize_h5", in_request),
            ("token_parameters", in_token_call),
        ):
            reserved = {name for standard, name in names.items() if standard not in _REPLACEABLE}
            if taken := sorted(reserved & set(getattr(self, key))):
                yield f"{key}: {', '.join(taken)} is set by the login itself"
        in_call = _IN_TOKEN_CALL | {in_token_call[name] for name in _IN_TOKEN_CALL} | set(self.token_parameters)
        if taken := sorted(in_call & set(self.token_from_callback)):
            yield f"token_from_callback: {', '.join(taken)} is set by the login itself"
        if self.languages and not self.language_name:
            yield "languages need a language_name"


def renamed(parameters: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """Return `parameters` under the vendor's names, without those whose value or name is empty."""
    return {name: value for key, value in parameters.items() if value and (name := names.get(key, key))}
