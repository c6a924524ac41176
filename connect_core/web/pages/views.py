"""What the pages show, as plain values: the templates read their attributes.

A shop's own templates read them too, so renaming an attribute breaks those. Never touches a request or the database.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from connect_core.providers.provider import RequiredBrowser


def get_initial(name: str) -> str:
    """Return the first letter or digit of a name, which is shown where there is no picture; empty if it has none."""
    return next((letter for letter in name if letter.isalnum()), "")


@dataclass(frozen=True, slots=True)
class LoginChoice:
    """A provider that the member can choose: to log in with, to link, or to prove a second account by.

    `name` is the provider's, `title` what it is called on the page, `url` where a link or form leads, `icon` the name
    of its plugin's icon or of one of ours; where there is no such icon the title's first letter is shown. `place` is
    the browser or app that the visitor has to open the page in for it, None when it works right here. `is_last_used`:
    this browser logged in by it the last time.
    """

    name: str
    title: str
    url: str
    icon: str
    place: RequiredBrowser | None = None
    is_last_used: bool = False


@dataclass(frozen=True, slots=True)
class LoginView:
    """What the login page shows besides the logins, and keeps from one request to the next.

    `return_to`, `client` and `is_switching` (somebody who is logged in wants to log in as somebody else) come from the
    page's address. `username` is what was typed into the password form, and `mistake` the key of the text that says
    what was wrong with it. The page has that form with `takes_credentials`, a link to the QR login with `has_qr_login`,
    and one back to the shop with `shop_url`.
    """

    return_to: str = ""
    client: str = ""
    username: str = ""
    mistake: str = ""
    is_switching: bool = False
    takes_credentials: bool = False
    has_qr_login: bool = False
    shop_url: str = ""


@dataclass(frozen=True, slots=True)
class FirstLoginView:
    """Somebody without an account, whom `provider` calls `nickname`, and how they can prove an account that they have.

    They can by one of `choices`, or by a password where the page `takes_credentials`. `is_wrong`: the password that was
    posted with `username` was wrong.
    """

    provider: str
    nickname: str = ""
    choices: Sequence[LoginChoice] = ()
    takes_credentials: bool = False
    is_wrong: bool = False
    username: str = ""


@dataclass(frozen=True, slots=True)
class MemberView:
    """A member. `face` is the address of a picture elsewhere: our pages do not load it, a shop's own template may."""

    uname: str
    nickname: str = ""
    face: str = ""
    province: str = ""
    city: str = ""

    @property
    def initial(self) -> str:
        """The first letter or digit of the nickname, or else of the user name."""
        return get_initial(self.nickname + self.uname)


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """A linked login: `title` and `icon` as in `LoginChoice`, `since` the day it was linked (UTC).

    `nickname` is the member's at the vendor. On the account page a form posts to `unbind_url`; `union_type`, in lower
    case, is the namespace of the ids.
    """

    title: str
    icon: str
    since: date | None = None
    nickname: str = ""
    unbind_url: str = ""
    union_type: str = ""


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session of the member's, begun on the day `since` (UTC); a form posts to `end_url`.

    `is_this`: it is the session of the browser that asks.
    """

    client_type: str
    since: date
    end_url: str
    is_this: bool


@dataclass(frozen=True, slots=True)
class UndoableMergeView:
    """A merge of the member called `name`; until the day `until` (UTC) a form posts to `undo_url` to undo it."""

    name: str
    until: date
    undo_url: str


@dataclass(frozen=True, slots=True)
class AccountView:
    """Everything on the member's own page: what is linked, what can be linked (`choices`), sessions and merges.

    `has_passwords`: members have passwords of ours, so the page has a form to set one.
    """

    member: MemberView
    connections: Sequence[ConnectionView] = ()
    choices: Sequence[LoginChoice] = ()
    sessions: Sequence[SessionView] = ()
    merges: Sequence[UndoableMergeView] = ()
    has_passwords: bool = False
    offers_merge: bool = False


@dataclass(frozen=True, slots=True)
class ConfirmationView:
    """How a member can confirm who they are: by their own logins (`choices`), or by a password.

    `elsewhere` are those of the logins that do not work in this browser. The forms carry `return_to` on. `is_wrong`:
    the password that was posted was wrong.
    """

    member: MemberView
    choices: Sequence[LoginChoice] = ()
    elsewhere: Sequence[LoginChoice] = ()
    takes_password: bool = False
    return_to: str = ""
    is_wrong: bool = False


@dataclass(frozen=True, slots=True)
class MergePreview:
    """What a merge would do: `bound` stays, `moved` and `ended` are the merged member's, `shop_moves` the shop's lines.

    With a `refusal`, which may be an empty text, it cannot be done. Until the day `undo_until` (UTC) it can be undone;
    None means that it cannot.
    """

    kept: MemberView
    merged: MemberView
    bound: Sequence[ConnectionView]
    moved: Sequence[ConnectionView]
    ended: Sequence[ConnectionView]
    shop_moves: Sequence[str]
    refusal: str | None
    undo_until: date | None


@dataclass(frozen=True, slots=True)
class QrLoginConfirmation:
    """What the phone shows before a PC is logged in: the shop's host, as which member, and which PC.

    `place` is the network of the PC's address, `age` how many seconds ago the PC asked. The forms post to `url` with
    `/approve` or `/deny` after it.
    """

    shop: str
    member: str
    browser: str
    system: str
    place: str
    age: int
    url: str


@dataclass(frozen=True, slots=True)
class NextStep:
    """A link on an error page: `text` is the key of its words in `messages.TEXTS`, `url` a web address."""

    text: str
    url: str
