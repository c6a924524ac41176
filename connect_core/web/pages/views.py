"""What the pages show, as plain values: the templates read their attributes.

A shop's own templates read them too, so renaming an attribute breaks those. Never touches a request or the database.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connect_core.providers.abilities import RequiredBrowser


def get_initial(name: str) -> str:
    """Return the first letter or digit of a name, which is shown where there is no picture; empty if it has none."""
    return next((letter for letter in name if letter.isalnum()), "")


@dataclass(frozen=True, slots=True)
class LoginChoice:
    """A provider that the member can choose: to log in with, to link, or to prove a second account by.

    `name` is the provider's, `title` what it is called on the page, `url` where a link or form leads, `icon` the name
    of its plugin's icon; where it is empty the title's first letter is shown. `place` is the browser or app that the
    visitor has to open the page in for it, None when it works right here. `is_last_used`: this browser logged in by it
    the last time. `seconds_held`: no login by it is begun for so long, because its vendor does not answer.
    """

    name: str
    title: str
    url: str
    icon: str
    place: RequiredBrowser | None = None
    is_last_used: bool = False
    seconds_held: int = 0

    @property
    def is_down(self) -> bool:
        """Tell whether no login by it is begun at the moment."""
        return self.seconds_held > 0


@dataclass(frozen=True, slots=True)
class LoginView:
    """What the login page shows besides the logins, and keeps from one request to the next.

    `return_to`, `client` and `is_switching` (somebody who is logged in wants to log in as somebody else) come from the
    page's address. `username` is what was typed into the password form, and `mistake` the key of the text that says
    what was wrong with it. The page has that form with `takes_credentials`, and a link to the QR login with
    `has_qr_login`. `is_preview`: an operator looks at it, and no link leads away from it.
    """

    return_to: str = ""
    client: str = ""
    username: str = ""
    mistake: str = ""
    is_switching: bool = False
    takes_credentials: bool = False
    has_qr_login: bool = False
    is_preview: bool = False


@dataclass(frozen=True, slots=True)
class FirstLoginView:
    """Somebody without an account, whom `provider` calls `nickname`, and how they can prove an account that they have.

    They can by one of `choices`, or by a password where the page `takes_credentials`. `is_wrong`: the password that was
    posted with `username` was wrong. `needs_consent`: they wanted to register without agreeing to the terms. `subject`
    names the login that waits; the page's forms send it back.
    """

    provider: str
    nickname: str = ""
    choices: Sequence[LoginChoice] = ()
    takes_credentials: bool = False
    is_wrong: bool = False
    username: str = ""
    needs_consent: bool = False
    subject: str = ""


@dataclass(frozen=True, slots=True)
class WayOut:
    """How to get from an app's own browser to the phone's: `text` is the key of the words in `messages.TEXTS`.

    With a `url` the words are those of a link to it, which opens the phone's browser. `address` is this page's, which
    the visitor can take along.
    """

    text: str
    url: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class AppOpening:
    """A login that goes on in the vendor's app, which is called `app`.

    `state`: `opening` and `opened`, where `link` opens the app; `desk`, where a phone scans the QR code at `code_url`;
    `elsewhere`, where `way_out` says how to open `address` in the phone's browser; `logged_in`, where the member goes
    on to `return_to`. `login_page` has the other ways to log in, and `handover`, unless empty, the QR login.
    """

    state: str
    app: str
    link: str
    code_url: str
    address: str
    login_page: str
    return_to: str
    handover: str
    way_out: WayOut


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
    """A linked login: `title` and `icon` as in `LoginChoice`, `since` when it was linked, with a time zone.

    `nickname` is the member's at the vendor. On the account page a form posts to `unbind_url`; `union_type`, in lower
    case, is the namespace of the ids.
    """

    title: str
    icon: str
    since: datetime | None = None
    nickname: str = ""
    unbind_url: str = ""
    union_type: str = ""


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session of the member's, begun at `since` and used last at `seen`, aware; a form posts to `end_url`.

    `is_this`: it is the session of the browser that asks. `browser`, `system` and `place` (city and country) are what
    was known of the device at the login, in the visitor's language; each may be empty.
    """

    client_type: str
    since: datetime
    end_url: str
    is_this: bool
    seen: datetime
    browser: str = ""
    system: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class UndoableMergeView:
    """A merge of the member called `name`; until `until`, with a time zone, a form posts to `undo_url` to undo it."""

    name: str
    until: datetime
    undo_url: str


@dataclass(frozen=True, slots=True)
class AccountView:
    """Everything on the member's own page: what is linked, what can be linked (`choices`), sessions and merges.

    `has_passwords`: members have passwords of ours, so the page has a form to set one; `has_password`: this member has
    one already. `password_mistake` is the key of the text that says why the last one was refused, or empty.
    """

    member: MemberView
    connections: Sequence[ConnectionView] = ()
    choices: Sequence[LoginChoice] = ()
    sessions: Sequence[SessionView] = ()
    merges: Sequence[UndoableMergeView] = ()
    has_passwords: bool = False
    has_password: bool = False
    offers_merge: bool = False
    password_mistake: str = ""


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

    With a `refusal`, which may be an empty text, it cannot be done. Until `undo_until`, with a time zone, it can be
    undone; None means that it cannot. `proof` names the proof of the second account; the form sends it back.
    """

    kept: MemberView
    merged: MemberView
    bound: Sequence[ConnectionView]
    moved: Sequence[ConnectionView]
    ended: Sequence[ConnectionView]
    shop_moves: Sequence[str]
    refusal: str | None
    undo_until: datetime | None
    proof: str = ""


@dataclass(frozen=True, slots=True)
class QrLoginConfirmation:
    """What the phone shows before a PC is logged in: the shop's host, as which member, and which PC.

    `place` is the network of the PC's address, `location` the city and country; each may be empty. `age` is how many
    seconds ago the PC asked. The forms post to `url` with `/approve` or `/deny` after it.
    """

    shop: str
    member: str
    browser: str
    system: str
    place: str
    age: int
    url: str
    location: str = ""


@dataclass(frozen=True, slots=True)
class ShopView:
    """The shop, as every page shows it: `name`, `logo` and the addresses that it links to, each empty where unset.

    `home_url` is where "back to the shop" leads, `logo` an address of ours. `consent` is `off`, `shown` or `required`,
    and `terms_version` the version of the terms that people agree to.
    """

    name: str = ""
    logo: str = ""
    home_url: str = ""
    terms_url: str = ""
    privacy_url: str = ""
    consent: str = "off"
    terms_version: str = ""


@dataclass(frozen=True, slots=True)
class FlashView:
    """What a page says once about what has just happened: `kind` is `success` or `notice`."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class NextStep:
    """A link on an error page: `text` is the key of its words in `messages.TEXTS`, `url` a web address.

    `title` is what the words are about, such as a provider, where they name something.
    """

    text: str
    url: str
    title: str = ""
