"""Which models describe which route: the table from which the OpenAPI document is built.

Every route has its row here, or begins with one of `UNDESCRIBED`; words and error codes are in the reference's
`docs/reference/words/routes.toml`. Nothing of a running service imports it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from connect_core.web import answers
from connect_core.web.legacy import answers as legacy
from connect_core.web.openapi import parameters
from connect_core.web.token_services.answers import ServerMetadata, TokenDescription

UNDESCRIBED = ("/connect/admin",)
"""Where routes begin that are not in the document: those for operators."""
ErrorForm = Literal["problem", "json", "legacy", "logout_token", "oauth", "grant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What a route takes and answers.

    - `id`: the `operationId`, after which the clients name their method.
    - `answer`: the body of the answer with status 200, several types as a union; None where no answer has a body.
    - `no_content`: 204 can be the answer.
    - `query`, `body`: what is read of the two. A body may be JSON or a form; with `is_form` it has to be a form.
    - `has_page`: a browser that accepts `text/html` gets a page.
    - `redirects`: 303 can be the answer.
    - `media`: the media type of an answer that is no JSON. `has_empty_answer`: 200 comes without a body.
    - `needs_login`: the member must be logged in; `takes_login`: a login counts, and none is no error.
    - `takes_client`: a service of the shop says who it is by HTTP Basic, or in the form.
    - `is_limited`: may be answered 429.
    - `is_cached`: a client may ask whether it has the answer already, and get 304.
    - `refuses_programs`: a client that accepts no `text/html` gets 405.
    - `failure`: the body of the answer with status 503, where that is more than a `Problem`.
    - `errors`: the form of refusals: problem details, and a page for a browser; problem details for everybody (`json`);
      those of older front ends; those that a vendor's log-out expects; those of OAuth 2.0 (`oauth`); or these
      beside problem details, where a request can be a grant of OAuth 2.0 (`grant`).
    """

    id: str
    answer: Any = None
    no_content: bool = False
    query: type | None = None
    body: type | None = None
    is_form: bool = False
    has_page: bool = False
    redirects: bool = False
    media: str = "application/json"
    needs_login: bool = False
    takes_login: bool = False
    takes_client: bool = False
    is_limited: bool = False
    is_cached: bool = False
    has_empty_answer: bool = False
    refuses_programs: bool = False
    failure: type | None = None
    errors: ErrorForm = "problem"


def _browser(id_: str, **more: Any) -> Operation:
    """A route for browsers: pages and redirects alone."""
    return Operation(id=id_, has_page=True, **more)


def _member(id_: str, **more: Any) -> Operation:
    """A route of a member who is logged in."""
    return Operation(id=id_, needs_login=True, **more)


def _posted(id_: str) -> Operation:
    """A route to which a form of the account page posts: a program gets 204, a browser a redirect."""
    return _member(id_, no_content=True, redirects=True)


def _older(id_: str, **more: Any) -> Operation:
    """A route of older front ends."""
    return Operation(id=id_, errors="legacy", **more)


def _lost(id_: str) -> Operation:
    """A route that always refuses."""
    return Operation(id=id_, errors="legacy")


def _binder(id_: str, body: type, **more: Any) -> Operation:
    """A route that finishes a first login which waits."""
    return _older(id_, answer=legacy.LegacyBound, body=body, is_limited=True, **more)


def _service(id_: str, **more: Any) -> Operation:
    """A route for services of the shop, which prove who they are."""
    return Operation(
        id=id_, body=parameters.TokenForm, is_form=True, takes_client=True, is_limited=True, errors="oauth", **more
    )


def _metadata(id_: str) -> Operation:
    """An address of the metadata."""
    return Operation(id=id_, answer=ServerMetadata)


_ONE = "/connect/{provider}/{client}"
_MERGE = "/connect/account/merge"
_FINISHED = answers.LoginTokens | answers.LinkedIdentity | answers.MergeTicket | answers.ChoiceTicket
_BINDER, _PASSPORT = "/buyer/account-binder", "/buyer/passport"

OPERATIONS: Mapping[str, Operation] = {
    # logins
    f"GET {_ONE}/login": _browser("begin_login", query=parameters.LoginQuery, redirects=True, is_limited=True),
    f"GET {_ONE}/login/code.svg": Operation(
        id="draw_app_code", query=parameters.CodeQuery, media="image/svg+xml", is_limited=True
    ),
    f"GET {_ONE}/callback": Operation(
        id="finish_login", query=parameters.CallbackQuery, redirects=True, is_limited=True
    ),
    f"POST {_ONE}/callback": Operation(id="park_callback", redirects=True, is_form=True),
    "GET /connect/login": _browser("show_login_page", query=parameters.LoginPageQuery, takes_login=True),
    "POST /connect/password/login": Operation(
        id="log_in_by_password",
        answer=answers.LoginTokens,
        body=parameters.PasswordLogin,
        has_page=True,
        redirects=True,
        is_limited=True,
    ),
    "GET /": Operation(id="lead_to_account", redirects=True),
    "GET /connect/providers": Operation(
        id="list_providers", answer=list[answers.OfferedLogin], query=parameters.ProvidersQuery
    ),
    f"POST {_ONE}/login-url": Operation(
        id="get_login_url", answer=answers.BegunLogin, body=parameters.LoginUrlRequest, is_limited=True
    ),
    f"POST {_ONE}/token": Operation(
        id="log_in", answer=_FINISHED, body=parameters.TokenExchange, takes_login=True, is_limited=True
    ),
    "POST /connect/token/refresh": Operation(
        id="refresh",
        answer=answers.TokenAnswer | answers.RefreshedCookies,
        body=parameters.RefreshRequest,
        errors="grant",
    ),
    "GET /connect/me": _member("me", answer=answers.Me),
    "GET /connect/logout": _browser("show_logout_page", refuses_programs=True),
    "POST /connect/logout": Operation(
        id="log_out",
        answer=answers.VendorLogout,
        body=parameters.LogoutRequest,
        no_content=True,
        has_page=True,
        redirects=True,
        takes_login=True,
    ),
    "GET /connect/.well-known/jwks.json": Operation(id="get_keys", answer=answers.PublicKeySet),
    # other services of the shop
    "POST /connect/introspect": _service("introspect_token", answer=TokenDescription),
    "POST /connect/revoke": _service("revoke_token", has_empty_answer=True),
    "GET /.well-known/oauth-authorization-server": _metadata("get_metadata"),
    "GET /.well-known/oauth-authorization-server/connect": _metadata("get_metadata_of_prefix"),
    "GET /.well-known/openid-configuration": _metadata("get_configuration"),
    "GET /connect/.well-known/oauth-authorization-server": _metadata("get_metadata_below_prefix"),
    "GET /connect/.well-known/openid-configuration": _metadata("get_configuration_below_prefix"),
    "POST /connect/{provider}/backchannel-logout": Operation(
        id="end_vendor_sessions",
        body=parameters.LogoutTokenForm,
        is_form=True,
        has_empty_answer=True,
        is_limited=True,
        errors="logout_token",
    ),
    "POST /connect/{provider}/notify": Operation(id="take_notice", media="*/*", is_limited=True, errors="json"),
    "GET /connect/{provider}/notify": Operation(id="check_notice_address", media="*/*", is_limited=True, errors="json"),
    # a first login that asks
    "GET /connect/first-login": Operation(
        id="get_waiting_login", answer=answers.WaitingLogin, has_page=True, redirects=True
    ),
    "POST /connect/first-login": Operation(
        id="choose",
        answer=answers.LoginTokens,
        body=parameters.FirstLoginChoice,
        has_page=True,
        redirects=True,
        is_limited=True,
    ),
    f"POST {_ONE}/join": Operation(
        id="begin_join",
        answer=answers.BegunLogin | answers.LoginTokens,
        body=parameters.JoinRequest,
        has_page=True,
        redirects=True,
        is_limited=True,
    ),
    # confirming who is logged in
    "GET /connect/reauthenticate": _member(
        "list_ways_to_confirm",
        answer=answers.WaysToConfirm,
        query=parameters.ReturnQuery,
        has_page=True,
        redirects=True,
    ),
    "POST /connect/reauthenticate": _member(
        "confirm_by_password",
        answer=answers.LoginTokens,
        body=parameters.ConfirmingPassword,
        has_page=True,
        redirects=True,
        is_limited=True,
    ),
    f"POST {_ONE}/confirm": _member(
        "begin_confirm",
        answer=answers.BegunLogin | answers.LoginTokens,
        body=parameters.BindRequest,
        has_page=True,
        is_limited=True,
    ),
    # a PC logged in by a phone
    "GET /connect/handover": _browser("show_handover_page", query=parameters.HandoverQuery, is_limited=True),
    "POST /connect/handover": Operation(
        id="begin_handover",
        answer=answers.BegunQrLogin,
        body=parameters.CollectRequest,
        redirects=True,
        is_limited=True,
    ),
    "GET /connect/handover/code.svg": Operation(id="draw_handover_code", media="image/svg+xml"),
    "GET /connect/handover/status": Operation(id="get_handover_status", answer=answers.QrLoginStatus, is_limited=True),
    "GET /connect/handover/events": Operation(id="watch_handover", media="text/event-stream", is_limited=True),
    "POST /connect/handover/collect": Operation(
        id="collect_handover",
        answer=answers.LoggedInOnPc,
        body=parameters.CollectRequest,
        redirects=True,
        is_limited=True,
    ),
    "GET /connect/h/{id}": _member(
        "get_scanned_handover", answer=answers.ScannedQrLogin, has_page=True, redirects=True, is_limited=True
    ),
    "POST /connect/h/{id}/approve": _member("approve_handover", no_content=True, has_page=True, is_limited=True),
    "POST /connect/h/{id}/deny": _member("deny_handover", no_content=True, has_page=True, is_limited=True),
    # a member's own account
    "GET /connect/account": _browser("show_account_page", redirects=True, takes_login=True),
    "POST /connect/account/password": _member(
        "set_password", body=parameters.NewPassword, no_content=True, has_page=True, redirects=True
    ),
    "GET /connect/connections": _member("list_connections", answer=list[answers.LinkedLogin]),
    f"POST {_ONE}/bind": _member(
        "begin_bind",
        answer=answers.BegunLogin | answers.LinkedIdentity,
        body=parameters.BindRequest,
        has_page=True,
        redirects=True,
        is_limited=True,
    ),
    "DELETE /connect/connections/{union_type}": _member(
        "unbind", query=parameters.UnbindQuery, no_content=True, redirects=True
    ),
    "POST /connect/connections/{union_type}/unbind": _member(
        "unbind_by_form", body=parameters.UnbindForm, is_form=True, no_content=True, redirects=True
    ),
    "GET /connect/sessions": _member("list_sessions", answer=list[answers.DescribedSession]),
    "DELETE /connect/sessions": _posted("end_other_sessions"),
    "POST /connect/sessions/end": _posted("end_other_sessions_by_form"),
    "DELETE /connect/sessions/{id}": _posted("end_session"),
    "POST /connect/sessions/{id}/end": _posted("end_session_by_form"),
    "GET /connect/account/export": _member("export_account", answer=dict[str, Any], redirects=True),
    "GET /connect/account/erase": _browser("show_erase_page", redirects=True, needs_login=True),
    "DELETE /connect/account": _posted("erase_account"),
    "POST /connect/account/erase": _posted("erase_account_by_form"),
    # two accounts of one person
    f"GET {_MERGE}": _browser("show_merge_page", redirects=True, needs_login=True),
    f"POST {_ONE}/merge": _member(
        "begin_merge",
        answer=answers.BegunLogin | answers.MergeTicket,
        body=parameters.BindRequest,
        has_page=True,
        redirects=True,
        is_limited=True,
    ),
    f"POST {_MERGE}/credentials": _member(
        "prove_by_password",
        answer=answers.MergeTicket,
        body=parameters.MergeCredentials,
        has_page=True,
        redirects=True,
        is_limited=True,
    ),
    f"POST {_MERGE}/preview": _member(
        "preview_merge", answer=answers.MergePlanned, body=parameters.MergeProof, redirects=True
    ),
    f"POST {_MERGE}": _member(
        "merge", answer=answers.MergeDone, body=parameters.MergeProof, redirects=True, is_limited=True
    ),
    f"POST {_MERGE}/cancel": _member("cancel_merge", redirects=True),
    f"GET {_MERGE}s": _member("list_merges", answer=list[answers.UndoableMergeRow]),
    f"POST {_MERGE}s/{{id}}/undo": _member("undo_merge", answer=answers.MergeUndone, redirects=True),
    # older front ends
    "GET /buyer/connect/{provider}/{client}/login": _older(
        "begin_older_login", query=parameters.ReturnQuery, redirects=True, is_limited=True
    ),
    "GET /buyer/connect/{provider}/h5/getLoginUrl": _older(
        "get_older_login_url", query=parameters.LegacyUrlQuery, media="text/plain", is_limited=True
    ),
    "GET /buyer/connect/{provider}/h5/login": _older(
        "finish_older_login",
        answer=legacy.LegacyTokens | answers.LinkedIdentity | answers.MergeTicket | answers.ChoiceTicket,
        query=parameters.LegacyLoginQuery,
        redirects=True,
        is_limited=True,
    ),
    "POST /login/{authCode}": _older(
        "log_in_older_mini_program", answer=legacy.LegacyMiniLogin, body=parameters.LegacyMiniRequest, is_limited=True
    ),
    f"GET {_BINDER}/list": _older("list_older_links", answer=list[legacy.LegacyLink], needs_login=True),
    f"GET {_BINDER}/pc/{{type}}": _older(
        "begin_older_bind", query=parameters.ReturnQuery, media="text/plain", needs_login=True, is_limited=True
    ),
    f"POST {_BINDER}/unbind/{{type}}": _older("unbind_older", has_empty_answer=True, needs_login=True),
    f"POST {_BINDER}/unbind/out": _older("unbind_older_wechat", has_empty_answer=True, needs_login=True),
    f"POST {_BINDER}/login/{{uuid}}": _binder("bind_waiting_login", parameters.PendingTicket, needs_login=True),
    f"POST {_BINDER}/register/{{uuid}}": _binder("register_waiting_login", parameters.PendingTicket, takes_login=True),
    f"PUT {_PASSPORT}/login-binder/pc/{{uuid}}": _binder("join_waiting_login_on_pc", parameters.PendingCredentials),
    f"PUT {_PASSPORT}/login-binder/wap/{{uuid}}": _binder("join_waiting_login_on_phone", parameters.PendingCredentials),
    f"POST {_PASSPORT}/login-binder/wap/{{uuid}}": _binder(
        "post_waiting_login_on_phone", parameters.PendingCredentials
    ),
    f"GET {_PASSPORT}/connect/app/{{type}}/param": _lost("refuse_app_secrets"),
    f"GET {_PASSPORT}/connect/app/{{type}}/openid": _lost("refuse_claimed_id"),
    f"POST {_PASSPORT}/login-binder/app": _lost("refuse_claimed_login"),
    f"POST {_PASSPORT}/sms-binder/app": _lost("refuse_claimed_login_by_sms"),
    f"POST {_PASSPORT}/register-binder/app": _lost("refuse_claimed_registration"),
    "POST /buyer/connect/{provider}/app/login/{uuid}": _lost("refuse_claimed_app_login"),
    # running the service
    "GET /healthz": Operation(id="get_health", answer=answers.ProcessUp),
    "GET /readyz": Operation(id="get_readiness", answer=answers.ReadyAnswer, failure=answers.NotReadyAnswer),
    "GET /connect/.well-known/connect-login": Operation(
        id="identify_service", answer=answers.ServiceMark, query=parameters.ProofQuery
    ),
    "GET /connect/static/{name}": Operation(
        id="get_static_file", media="*/*", query=parameters.VersionQuery, is_cached=True
    ),
    "GET /connect/openapi.json": Operation(id="get_openapi", answer=dict[str, Any], is_cached=True),
}
