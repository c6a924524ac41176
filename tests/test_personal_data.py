"""Leaving, as the shop is told: its own directory first, which may fail, and plugins once it is done."""

from dataclasses import dataclass, field

from connect_core.errors import Unavailable
from connect_core.plugin import ErasedEvent
from connect_core.rehearsal import Visitor

from .acme import NOW
from .test_hooks import Directory, Listener, shop


@dataclass
class Erasing(Directory):
    """A directory that can erase."""

    erased: list[int] = field(default_factory=list)
    is_down: bool = False

    async def erase(self, member_id: int) -> None:
        """Forget the member, and the keys that led there."""
        if self.is_down:
            raise OSError("secret")
        self.erased.append(member_id)
        del self.members[member_id]
        self.by_key = {key: one for key, one in self.by_key.items() if one != member_id} | {"taken": 0}


def log_in(visitor: Visitor) -> dict[str, str]:
    """Log in from a mini program; returns the header that goes with it."""
    return {"authorization": f"Bearer {visitor.log_in('acme', 'mini').json()['access_token']}"}


def test_members_elsewhere_are_erased_there_and_here() -> None:
    """The directory is told; the person who comes again is a new member in both places."""
    directory = Erasing()
    with shop(directory) as stage, Visitor(stage) as visitor:
        for _ in range(2):
            headers = log_in(visitor)
            exported = visitor.http.get("/connect/account/export", headers=headers).json()
            assert [exported["member"]["id"]] == list(directory.members)
            assert visitor.http.delete("/connect/account", headers=headers).status_code == 204
        assert len(set(directory.erased)) == 2
        assert stage.rows("es_connect") == stage.rows("es_connect_alias") == stage.rows("es_member_session") == []


def test_m05_a_directory_that_fails_keeps_our_rows() -> None:
    """503, nothing of ours is erased, and the next try succeeds."""
    directory = Erasing(is_down=True)
    with shop(directory) as stage, Visitor(stage) as visitor:
        headers = log_in(visitor)
        answer = visitor.http.delete("/connect/account", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (Unavailable.status, Unavailable.code)
        assert len(stage.rows("es_connect")) == 1
        directory.is_down = False
        assert visitor.http.delete("/connect/account", headers=headers).status_code == 204


def test_without_an_erase_the_person_comes_back_to_the_same_member() -> None:
    """Ours goes; the shop still knows its member."""
    with shop(Directory()) as stage, Visitor(stage) as visitor:
        uids = []
        for _ in range(2):
            headers = log_in(visitor)
            uids.append(visitor.http.get("/connect/me", headers=headers).json()["uid"])
            visitor.http.delete("/connect/account", headers=headers)
        assert uids[0] == uids[1]
        assert stage.rows("es_connect") == []


def test_connect_erased_is_told_once_with_nothing_but_the_number() -> None:
    """After the commit; a second erasure of the same member tells nothing."""
    listener = Listener()
    with shop(listener, now=lambda: NOW) as stage, Visitor(stage) as visitor:
        headers = log_in(visitor)
        listener.wait_for("registered", "bound", "logged_in")
        listener.heard.clear()
        answers = [visitor.http.delete("/connect/account", headers=headers) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [204, 401]
        assert listener.wait_for("erased") == [ErasedEvent(1, answers[0].headers["x-request-id"], NOW)]
