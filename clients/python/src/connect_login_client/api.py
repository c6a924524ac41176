"""A method for each operation of a connect-login service.

Written by clients/generate.py from connect_core/web/openapi/openapi.json: edit those.
"""

from typing import Any, Literal

from connect_login_client.models import (
    BegunLogin,
    BegunQrLogin,
    ChoiceTicket,
    ClientType,
    DescribedSession,
    LinkedIdentity,
    LinkedLogin,
    LoggedInOnPc,
    LoginTokens,
    Me,
    MergeDone,
    MergePlanned,
    MergeTicket,
    MergeUndone,
    OfferedLogin,
    PublicKeySet,
    QrLoginStatus,
    RefreshedCookies,
    ScannedQrLogin,
    ServerMetadata,
    TokenAnswer,
    UndoableMergeRow,
    VendorLogout,
    WaitingLogin,
    WaysToConfirm,
)
from connect_login_client.transport import AsyncTransport, Transport, fill


class ConnectLogin(Transport):
    """Calls a connect-login service."""

    def log_in_by_password(
        self,
        *,
        username: str | None = None,
        password: str | None = None,
        return_to: str | None = None,
        client: ClientType | None = None,
        device_id: str | None = None,
        **more: object,
    ) -> LoginTokens:
        """Logs in by a password."""
        answer: LoginTokens = self._send(
            "POST",
            "/password/login",
            body={
                "username": username,
                "password": password,
                "return_to": return_to,
                "client": client,
                "device_id": device_id,
                **more,
            },
        )
        return answer

    def list_providers(
        self,
        *,
        client: ClientType,
        lang: str | None = None,
    ) -> list[OfferedLogin]:
        """The providers that a client type shows, for a login page of your own."""
        answer: list[OfferedLogin] = self._send("GET", "/providers", query={"client": client, "lang": lang})
        return answer

    def get_login_url(
        self,
        provider: str,
        client: ClientType,
        *,
        redirect_uri: str | None = None,
        return_to: str | None = None,
        **more: object,
    ) -> BegunLogin:
        """Begins a login and returns its address."""
        answer: BegunLogin = self._send(
            "POST",
            fill("/{}/{}/login-url", provider, client),
            body={"redirect_uri": redirect_uri, "return_to": return_to, **more},
        )
        return answer

    def log_in(
        self,
        provider: str,
        client: ClientType,
        *,
        code: str | None = None,
        state: str | None = None,
        id_token: str | None = None,
        ticket: str | None = None,
        device_id: str | None = None,
        consent: str | None = None,
        phone: str | dict[str, Any] | None = None,
        **more: object,
    ) -> LoginTokens | LinkedIdentity | MergeTicket | ChoiceTicket:
        """Finishes a login and returns tokens."""
        answer: LoginTokens | LinkedIdentity | MergeTicket | ChoiceTicket = self._send(
            "POST",
            fill("/{}/{}/token", provider, client),
            body={
                "code": code,
                "state": state,
                "id_token": id_token,
                "ticket": ticket,
                "device_id": device_id,
                "consent": consent,
                "phone": phone,
                **more,
            },
        )
        return answer

    def refresh(
        self,
        *,
        refresh_token: str | None = None,
        grant_type: str | None = None,
        **more: object,
    ) -> TokenAnswer | RefreshedCookies:
        """Exchanges a refresh token for new tokens."""
        answer: TokenAnswer | RefreshedCookies = self._send(
            "POST", "/token/refresh", body={"refresh_token": refresh_token, "grant_type": grant_type, **more}
        )
        return answer

    def me(
        self,
    ) -> Me:
        """The member who is logged in."""
        answer: Me = self._send("GET", "/me")
        return answer

    def log_out(
        self,
        *,
        refresh_token: str | None = None,
        **more: object,
    ) -> VendorLogout | None:
        """Ends the login."""
        answer: VendorLogout | None = self._send("POST", "/logout", body={"refresh_token": refresh_token, **more})
        return answer

    def get_keys(
        self,
    ) -> PublicKeySet:
        """The public keys of the access tokens."""
        answer: PublicKeySet = self._send("GET", "/.well-known/jwks.json")
        return answer

    def get_metadata_below_prefix(
        self,
    ) -> ServerMetadata:
        """The same document, where a proxy passes on /connect/ alone."""
        answer: ServerMetadata = self._send("GET", "/.well-known/oauth-authorization-server")
        return answer

    def get_configuration_below_prefix(
        self,
    ) -> ServerMetadata:
        """The same."""
        answer: ServerMetadata = self._send("GET", "/.well-known/openid-configuration")
        return answer

    def get_waiting_login(
        self,
    ) -> WaitingLogin:
        """The page that asks a person whether they are new or have an account."""
        answer: WaitingLogin = self._send("GET", "/first-login")
        return answer

    def choose(
        self,
        *,
        decision: Literal["register", "join"],
        ticket: str | None = None,
        page_subject: str | None = None,
        consent: str | None = None,
        username: str | None = None,
        password: str | None = None,
        **more: object,
    ) -> LoginTokens:
        """Makes the choice at a first login, once."""
        answer: LoginTokens = self._send(
            "POST",
            "/first-login",
            body={
                "decision": decision,
                "ticket": ticket,
                "page_subject": page_subject,
                "consent": consent,
                "username": username,
                "password": password,
                **more,
            },
        )
        return answer

    def begin_join(
        self,
        provider: str,
        client: ClientType,
        *,
        choice_ticket: str | None = None,
        page_subject: str | None = None,
        redirect_uri: str | None = None,
        code: str | None = None,
        **more: object,
    ) -> BegunLogin | LoginTokens:
        """Begins another login, which proves an account that the person has here."""
        answer: BegunLogin | LoginTokens = self._send(
            "POST",
            fill("/{}/{}/join", provider, client),
            body={
                "choice_ticket": choice_ticket,
                "page_subject": page_subject,
                "redirect_uri": redirect_uri,
                "code": code,
                **more,
            },
        )
        return answer

    def list_ways_to_confirm(
        self,
        *,
        return_to: str | None = None,
    ) -> WaysToConfirm:
        """The page on which a member confirms who they are, by one of their own logins or by their password."""
        answer: WaysToConfirm = self._send("GET", "/reauthenticate", query={"return_to": return_to})
        return answer

    def confirm_by_password(
        self,
        *,
        password: str | None = None,
        return_to: str | None = None,
        **more: object,
    ) -> LoginTokens:
        """Confirms who the member is by their password."""
        answer: LoginTokens = self._send(
            "POST", "/reauthenticate", body={"password": password, "return_to": return_to, **more}
        )
        return answer

    def begin_confirm(
        self,
        provider: str,
        client: ClientType,
        *,
        return_to: str | None = None,
        redirect_uri: str | None = None,
        code: str | None = None,
        **more: object,
    ) -> BegunLogin | LoginTokens:
        """Begins a login that confirms who the member is."""
        answer: BegunLogin | LoginTokens = self._send(
            "POST",
            fill("/{}/{}/confirm", provider, client),
            body={"return_to": return_to, "redirect_uri": redirect_uri, "code": code, **more},
        )
        return answer

    def begin_handover(
        self,
        *,
        return_to: str | None = None,
        **more: object,
    ) -> BegunQrLogin:
        """Begins a QR login."""
        answer: BegunQrLogin = self._send("POST", "/handover", body={"return_to": return_to, **more})
        return answer

    def get_handover_status(
        self,
    ) -> QrLoginStatus:
        """The state of the QR login."""
        answer: QrLoginStatus = self._send("GET", "/handover/status")
        return answer

    def collect_handover(
        self,
        *,
        return_to: str | None = None,
        **more: object,
    ) -> LoggedInOnPc:
        """Opens the PC's session, once."""
        answer: LoggedInOnPc = self._send("POST", "/handover/collect", body={"return_to": return_to, **more})
        return answer

    def get_scanned_handover(
        self,
        id_: str,
    ) -> ScannedQrLogin:
        """The computer that wants to log in."""
        answer: ScannedQrLogin = self._send("GET", fill("/h/{}", id_))
        return answer

    def approve_handover(
        self,
        id_: str,
    ) -> None:
        """Lets the PC log in."""
        self._send("POST", fill("/h/{}/approve", id_))

    def deny_handover(
        self,
        id_: str,
    ) -> None:
        """Declines the login, or withdraws an approval that was not collected yet."""
        self._send("POST", fill("/h/{}/deny", id_))

    def erase_account(
        self,
    ) -> None:
        """Erases the member."""
        self._send("DELETE", "/account")

    def set_password(
        self,
        *,
        password: str,
        **more: object,
    ) -> None:
        """Sets the member's password, with which the member logs in on the login page from then on."""
        self._send("POST", "/account/password", body={"password": password, **more})

    def list_connections(
        self,
    ) -> list[LinkedLogin]:
        """The member's connections, the oldest first."""
        answer: list[LinkedLogin] = self._send("GET", "/connections")
        return answer

    def begin_bind(
        self,
        provider: str,
        client: ClientType,
        *,
        return_to: str | None = None,
        redirect_uri: str | None = None,
        code: str | None = None,
        **more: object,
    ) -> BegunLogin | LinkedIdentity:
        """Links an identity to the member."""
        answer: BegunLogin | LinkedIdentity = self._send(
            "POST",
            fill("/{}/{}/bind", provider, client),
            body={"return_to": return_to, "redirect_uri": redirect_uri, "code": code, **more},
        )
        return answer

    def unbind(
        self,
        union_type: str,
        *,
        logout: str | None = None,
    ) -> None:
        """Unlinks a vendor."""
        self._send("DELETE", fill("/connections/{}", union_type), query={"logout": logout})

    def list_sessions(
        self,
    ) -> list[DescribedSession]:
        """Where the member is logged in."""
        answer: list[DescribedSession] = self._send("GET", "/sessions")
        return answer

    def end_other_sessions(
        self,
    ) -> None:
        """Ends all of the member's logins except this one."""
        self._send("DELETE", "/sessions")

    def end_session(
        self,
        id_: str,
    ) -> None:
        """Ends one of the member's logins."""
        self._send("DELETE", fill("/sessions/{}", id_))

    def export_account(
        self,
    ) -> dict[str, Any]:
        """Everything that we store about the member, as a file."""
        answer: dict[str, Any] = self._send("GET", "/account/export")
        return answer

    def merge(
        self,
        *,
        ticket: str | None = None,
        **more: object,
    ) -> MergeDone:
        """Merges as the preview showed, and answers {"id", "undo_until"}."""
        answer: MergeDone = self._send("POST", "/account/merge", body={"ticket": ticket, **more})
        return answer

    def begin_merge(
        self,
        provider: str,
        client: ClientType,
        *,
        return_to: str | None = None,
        redirect_uri: str | None = None,
        code: str | None = None,
        **more: object,
    ) -> BegunLogin | MergeTicket:
        """Proves the other account by a login with it."""
        answer: BegunLogin | MergeTicket = self._send(
            "POST",
            fill("/{}/{}/merge", provider, client),
            body={"return_to": return_to, "redirect_uri": redirect_uri, "code": code, **more},
        )
        return answer

    def prove_by_password(
        self,
        *,
        username: str | None = None,
        password: str | None = None,
        **more: object,
    ) -> MergeTicket:
        """Proves the other account by its password."""
        answer: MergeTicket = self._send(
            "POST", "/account/merge/credentials", body={"username": username, "password": password, **more}
        )
        return answer

    def preview_merge(
        self,
        *,
        ticket: str | None = None,
        **more: object,
    ) -> MergePlanned:
        """What the merge would do."""
        answer: MergePlanned = self._send("POST", "/account/merge/preview", body={"ticket": ticket, **more})
        return answer

    def list_merges(
        self,
    ) -> list[UndoableMergeRow]:
        """The merges into this member that can still be undone, the oldest first."""
        answer: list[UndoableMergeRow] = self._send("GET", "/account/merges")
        return answer

    def undo_merge(
        self,
        id_: str,
    ) -> MergeUndone:
        """Undoes a merge, and answers {"connections"}."""
        answer: MergeUndone = self._send("POST", fill("/account/merges/{}/undo", id_))
        return answer


class AsyncConnectLogin(AsyncTransport):
    """The same for asynchronous code."""

    async def log_in_by_password(
        self,
        *,
        username: str | None = None,
        password: str | None = None,
        return_to: str | None = None,
        client: ClientType | None = None,
        device_id: str | None = None,
        **more: object,
    ) -> LoginTokens:
        """Logs in by a password."""
        answer: LoginTokens = await self._send(
            "POST",
            "/password/login",
            body={
                "username": username,
                "password": password,
                "return_to": return_to,
                "client": client,
                "device_id": device_id,
                **more,
            },
        )
        return answer

    async def list_providers(
        self,
        *,
        client: ClientType,
        lang: str | None = None,
    ) -> list[OfferedLogin]:
        """The providers that a client type shows, for a login page of your own."""
        answer: list[OfferedLogin] = await self._send("GET", "/providers", query={"client": client, "lang": lang})
        return answer

    async def get_login_url(
        self,
        provider: str,
        client: ClientType,
        *,
        redirect_uri: str | None = None,
        return_to: str | None = None,
        **more: object,
    ) -> BegunLogin:
        """Begins a login and returns its address."""
        answer: BegunLogin = await self._send(
            "POST",
            fill("/{}/{}/login-url", provider, client),
            body={"redirect_uri": redirect_uri, "return_to": return_to, **more},
        )
        return answer

    async def log_in(
        self,
        provider: str,
        client: ClientType,
        *,
        code: str | None = None,
        state: str | None = None,
        id_token: str | None = None,
        ticket: str | None = None,
        device_id: str | None = None,
        consent: str | None = None,
        phone: str | dict[str, Any] | None = None,
        **more: object,
    ) -> LoginTokens | LinkedIdentity | MergeTicket | ChoiceTicket:
        """Finishes a login and returns tokens."""
        answer: LoginTokens | LinkedIdentity | MergeTicket | ChoiceTicket = await self._send(
            "POST",
            fill("/{}/{}/token", provider, client),
            body={
                "code": code,
                "state": state,
                "id_token": id_token,
                "ticket": ticket,
                "device_id": device_id,
                "consent": consent,
                "phone": phone,
                **more,
            },
        )
        return answer

    async def refresh(
        self,
        *,
        refresh_token: str | None = None,
        grant_type: str | None = None,
        **more: object,
    ) -> TokenAnswer | RefreshedCookies:
        """Exchanges a refresh token for new tokens."""
        answer: TokenAnswer | RefreshedCookies = await self._send(
            "POST", "/token/refresh", body={"refresh_token": refresh_token, "grant_type": grant_type, **more}
        )
        return answer

    async def me(
        self,
    ) -> Me:
        """The member who is logged in."""
        answer: Me = await self._send("GET", "/me")
        return answer

    async def log_out(
        self,
        *,
        refresh_token: str | None = None,
        **more: object,
    ) -> VendorLogout | None:
        """Ends the login."""
        answer: VendorLogout | None = await self._send("POST", "/logout", body={"refresh_token": refresh_token, **more})
        return answer

    async def get_keys(
        self,
    ) -> PublicKeySet:
        """The public keys of the access tokens."""
        answer: PublicKeySet = await self._send("GET", "/.well-known/jwks.json")
        return answer

    async def get_metadata_below_prefix(
        self,
    ) -> ServerMetadata:
        """The same document, where a proxy passes on /connect/ alone."""
        answer: ServerMetadata = await self._send("GET", "/.well-known/oauth-authorization-server")
        return answer

    async def get_configuration_below_prefix(
        self,
    ) -> ServerMetadata:
        """The same."""
        answer: ServerMetadata = await self._send("GET", "/.well-known/openid-configuration")
        return answer

    async def get_waiting_login(
        self,
    ) -> WaitingLogin:
        """The page that asks a person whether they are new or have an account."""
        answer: WaitingLogin = await self._send("GET", "/first-login")
        return answer

    async def choose(
        self,
        *,
        decision: Literal["register", "join"],
        ticket: str | None = None,
        page_subject: str | None = None,
        consent: str | None = None,
        username: str | None = None,
        password: str | None = None,
        **more: object,
    ) -> LoginTokens:
        """Makes the choice at a first login, once."""
        answer: LoginTokens = await self._send(
            "POST",
            "/first-login",
            body={
                "decision": decision,
                "ticket": ticket,
                "page_subject": page_subject,
                "consent": consent,
                "username": username,
                "password": password,
                **more,
            },
        )
        return answer

    async def begin_join(
        self,
        provider: str,
        client: ClientType,
        *,
        choice_ticket: str | None = None,
        page_subject: str | None = None,
        redirect_uri: str | None = None,
        code: str | None = None,
        **more: object,
    ) -> BegunLogin | LoginTokens:
        """Begins another login, which proves an account that the person has here."""
        answer: BegunLogin | LoginTokens = await self._send(
            "POST",
            fill("/{}/{}/join", provider, client),
            body={
                "choice_ticket": choice_ticket,
                "page_subject": page_subject,
                "redirect_uri": redirect_uri,
                "code": code,
                **more,
            },
        )
        return answer

    async def list_ways_to_confirm(
        self,
        *,
        return_to: str | None = None,
    ) -> WaysToConfirm:
        """The page on which a member confirms who they are, by one of their own logins or by their password."""
        answer: WaysToConfirm = await self._send("GET", "/reauthenticate", query={"return_to": return_to})
        return answer

    async def confirm_by_password(
        self,
        *,
        password: str | None = None,
        return_to: str | None = None,
        **more: object,
    ) -> LoginTokens:
        """Confirms who the member is by their password."""
        answer: LoginTokens = await self._send(
            "POST", "/reauthenticate", body={"password": password, "return_to": return_to, **more}
        )
        return answer

    async def begin_confirm(
        self,
        provider: str,
        client: ClientType,
        *,
        return_to: str | None = None,
        redirect_uri: str | None = None,
        code: str | None = None,
        **more: object,
    ) -> BegunLogin | LoginTokens:
        """Begins a login that confirms who the member is."""
        answer: BegunLogin | LoginTokens = await self._send(
            "POST",
            fill("/{}/{}/confirm", provider, client),
            body={"return_to": return_to, "redirect_uri": redirect_uri, "code": code, **more},
        )
        return answer

    async def begin_handover(
        self,
        *,
        return_to: str | None = None,
        **more: object,
    ) -> BegunQrLogin:
        """Begins a QR login."""
        answer: BegunQrLogin = await self._send("POST", "/handover", body={"return_to": return_to, **more})
        return answer

    async def get_handover_status(
        self,
    ) -> QrLoginStatus:
        """The state of the QR login."""
        answer: QrLoginStatus = await self._send("GET", "/handover/status")
        return answer

    async def collect_handover(
        self,
        *,
        return_to: str | None = None,
        **more: object,
    ) -> LoggedInOnPc:
        """Opens the PC's session, once."""
        answer: LoggedInOnPc = await self._send("POST", "/handover/collect", body={"return_to": return_to, **more})
        return answer

    async def get_scanned_handover(
        self,
        id_: str,
    ) -> ScannedQrLogin:
        """The computer that wants to log in."""
        answer: ScannedQrLogin = await self._send("GET", fill("/h/{}", id_))
        return answer

    async def approve_handover(
        self,
        id_: str,
    ) -> None:
        """Lets the PC log in."""
        await self._send("POST", fill("/h/{}/approve", id_))

    async def deny_handover(
        self,
        id_: str,
    ) -> None:
        """Declines the login, or withdraws an approval that was not collected yet."""
        await self._send("POST", fill("/h/{}/deny", id_))

    async def erase_account(
        self,
    ) -> None:
        """Erases the member."""
        await self._send("DELETE", "/account")

    async def set_password(
        self,
        *,
        password: str,
        **more: object,
    ) -> None:
        """Sets the member's password, with which the member logs in on the login page from then on."""
        await self._send("POST", "/account/password", body={"password": password, **more})

    async def list_connections(
        self,
    ) -> list[LinkedLogin]:
        """The member's connections, the oldest first."""
        answer: list[LinkedLogin] = await self._send("GET", "/connections")
        return answer

    async def begin_bind(
        self,
        provider: str,
        client: ClientType,
        *,
        return_to: str | None = None,
        redirect_uri: str | None = None,
        code: str | None = None,
        **more: object,
    ) -> BegunLogin | LinkedIdentity:
        """Links an identity to the member."""
        answer: BegunLogin | LinkedIdentity = await self._send(
            "POST",
            fill("/{}/{}/bind", provider, client),
            body={"return_to": return_to, "redirect_uri": redirect_uri, "code": code, **more},
        )
        return answer

    async def unbind(
        self,
        union_type: str,
        *,
        logout: str | None = None,
    ) -> None:
        """Unlinks a vendor."""
        await self._send("DELETE", fill("/connections/{}", union_type), query={"logout": logout})

    async def list_sessions(
        self,
    ) -> list[DescribedSession]:
        """Where the member is logged in."""
        answer: list[DescribedSession] = await self._send("GET", "/sessions")
        return answer

    async def end_other_sessions(
        self,
    ) -> None:
        """Ends all of the member's logins except this one."""
        await self._send("DELETE", "/sessions")

    async def end_session(
        self,
        id_: str,
    ) -> None:
        """Ends one of the member's logins."""
        await self._send("DELETE", fill("/sessions/{}", id_))

    async def export_account(
        self,
    ) -> dict[str, Any]:
        """Everything that we store about the member, as a file."""
        answer: dict[str, Any] = await self._send("GET", "/account/export")
        return answer

    async def merge(
        self,
        *,
        ticket: str | None = None,
        **more: object,
    ) -> MergeDone:
        """Merges as the preview showed, and answers {"id", "undo_until"}."""
        answer: MergeDone = await self._send("POST", "/account/merge", body={"ticket": ticket, **more})
        return answer

    async def begin_merge(
        self,
        provider: str,
        client: ClientType,
        *,
        return_to: str | None = None,
        redirect_uri: str | None = None,
        code: str | None = None,
        **more: object,
    ) -> BegunLogin | MergeTicket:
        """Proves the other account by a login with it."""
        answer: BegunLogin | MergeTicket = await self._send(
            "POST",
            fill("/{}/{}/merge", provider, client),
            body={"return_to": return_to, "redirect_uri": redirect_uri, "code": code, **more},
        )
        return answer

    async def prove_by_password(
        self,
        *,
        username: str | None = None,
        password: str | None = None,
        **more: object,
    ) -> MergeTicket:
        """Proves the other account by its password."""
        answer: MergeTicket = await self._send(
            "POST", "/account/merge/credentials", body={"username": username, "password": password, **more}
        )
        return answer

    async def preview_merge(
        self,
        *,
        ticket: str | None = None,
        **more: object,
    ) -> MergePlanned:
        """What the merge would do."""
        answer: MergePlanned = await self._send("POST", "/account/merge/preview", body={"ticket": ticket, **more})
        return answer

    async def list_merges(
        self,
    ) -> list[UndoableMergeRow]:
        """The merges into this member that can still be undone, the oldest first."""
        answer: list[UndoableMergeRow] = await self._send("GET", "/account/merges")
        return answer

    async def undo_merge(
        self,
        id_: str,
    ) -> MergeUndone:
        """Undoes a merge, and answers {"connections"}."""
        answer: MergeUndone = await self._send("POST", fill("/account/merges/{}/undo", id_))
        return answer
