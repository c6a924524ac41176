"""What `connect-login explain --identity` reads and says: ids of a person, and what their login would come to.

Only puts into words what `members.preview` finds.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connect_core.errors import MemberDisabled, ProviderBadResponse, SettingsError
from connect_core.identity import STRENGTH, ClientType, Identity, IdKind, PersonId
from connect_core.manager import ConnectManager
from connect_core.members.preview import LoginPreview

_FORM = "--identity is UNION_TYPE:KIND:VALUE, such as ALIPAY:user_id:2088123456789012"
_KINDS = ", ".join(kind.value for kind in STRENGTH)


@dataclass(frozen=True, slots=True)
class PersonIds:
    """The ids of one person at one vendor, the strongest first."""

    union_type: str
    ids: tuple[PersonId, ...]


def parse_identity(texts: Sequence[str], scopes: Sequence[str]) -> PersonIds:
    """Return the person whose ids are `texts`. Raises `SettingsError`, which names the form and never a value."""
    parsed = [_parse(text) for text in texts]
    union_types = {union_type for union_type, _, _ in parsed}
    if len(union_types) > 1:
        raise SettingsError(["the ids of one person belong to one union type; run explain once for each person"])
    kinds = [kind for _, kind, _ in parsed]
    ids = []
    for (_, kind, value), scope in zip(parsed, _spread(kinds, scopes), strict=True):
        if kind is IdKind.OPEN_ID and not scope:
            raise SettingsError(["an open_id is valid for one app: give the app's id with --scope APP_ID"])
        try:
            ids.append(PersonId(kind, value, scope))
        except ProviderBadResponse as error:
            raise SettingsError([f"{error}: an id is a text of 1 to 255 characters; {_FORM}"]) from None
    ordered = sorted(dict.fromkeys(ids), key=lambda person_id: STRENGTH.index(person_id.kind))
    return PersonIds(union_types.pop(), tuple(ordered))


def _parse(text: str) -> tuple[str, IdKind, str]:
    union_type, _, rest = text.partition(":")
    kind, sign, value = rest.partition(":")
    if not (union_type and sign and value):
        raise SettingsError([_FORM])
    if kind not in list(IdKind):
        raise SettingsError([f"KIND is one of {_KINDS}; {_FORM}"])
    return union_type.upper(), IdKind(kind), value


def _spread(kinds: Sequence[IdKind], scopes: Sequence[str]) -> list[str]:
    """Return the scope of each id."""
    if len(scopes) == len(kinds):
        return ["" if kind is IdKind.USER_ID else scope for kind, scope in zip(kinds, scopes, strict=True)]
    if len(scopes) > 1:
        raise SettingsError(["give --scope once, or once for each --identity, in the same order"])
    scope = scopes[0] if scopes else ""
    scoped = IdKind.OPEN_ID if IdKind.OPEN_ID in kinds else IdKind.UNION_ID
    return [scope if kind is scoped else "" for kind in kinds]


def make_identity(person: PersonIds, manager: ConnectManager) -> Identity:
    """Return the identity that a provider would assert. Raises `SettingsError` where none has this union type."""
    known = sorted({configured.provider.union_type for configured in manager.registry})
    if person.union_type not in known:
        names = ", ".join(known) or "none"
        raise SettingsError([f"no configured provider has the union type {person.union_type}; configured: {names}"])
    return Identity(person.union_type, person.ids, app_id=person.ids[-1].scope)


def find_client_type(person: PersonIds, manager: ConnectManager) -> ClientType:
    """Return a client type on which this person can log in; which one makes no difference to the result."""
    return next(c.client_type for c in manager.registry if c.provider.union_type == person.union_type)


def describe(person: PersonIds, preview: LoginPreview) -> dict[str, Any]:
    """Return the preview as JSON."""
    return {
        "union_type": person.union_type,
        "outcome": _name_outcome(preview),
        "member_id": preview.resolved.member.id if preview.resolved else None,
        "reason": preview.refusal,
        "has_conflict": preview.resolved is not None and preview.resolved.has_conflict,
        "people": [
            {
                **_describe_id(known.via),
                "connect_id": known.connect_id,
                "member_id": known.member_id,
                "has_aliases": known.has_aliases,
            }
            for known in preview.people
        ],
        "unknown": [_describe_id(person_id) for person_id in _find_unknown(person, preview)],
        "times_unbound": preview.times_ended,
        "was_erased": preview.was_erased,
    }


def _name_outcome(preview: LoginPreview) -> str:
    if preview.resolved is not None:
        return "logged_in"
    return MemberDisabled.code if preview.refusal else "unknown"


def _describe_id(person_id: PersonId) -> Mapping[str, str]:
    return {"kind": person_id.kind.value, "scope": person_id.scope, "value": person_id.value}


def _find_unknown(person: PersonIds, preview: LoginPreview) -> list[PersonId]:
    known = {match.via for match in preview.people}
    return [person_id for person_id in person.ids if person_id not in known]


def tell(person: PersonIds, preview: LoginPreview, manager: ConnectManager) -> list[str]:
    """Return what would happen, and by which rule, in sentences."""
    return [*_tell_outcome(person, preview, manager), *_tell_ids(person, preview), *_tell_history(preview)]


def _tell_outcome(person: PersonIds, preview: LoginPreview, manager: ConnectManager) -> Iterator[str]:
    if preview.resolved is not None:
        member = preview.resolved.member
        name = f" ({member.uname})" if member.uname else ""
        yield f"This person is member {member.id}{name}: a login now logs that member in."
    elif preview.refusal:
        yield f"A login now is refused with {MemberDisabled.code} (403): {preview.refusal}."
    else:
        yield f"Nobody is known by {'this id' if len(person.ids) == 1 else 'these ids'}. {_tell_first_login(manager)}"


def _tell_first_login(manager: ConnectManager) -> str:
    if manager.required_terms:
        return 'A login now asks the person to agree to the terms first, because [pages] consent is "required".'
    if manager.chooses:
        return 'A login now asks whether the person is new, because [service] first_login is "choose".'
    return 'A login now registers a new member, because [service] first_login is "register".'


def _tell_ids(person: PersonIds, preview: LoginPreview) -> Iterator[str]:
    if preview.people:
        first = preview.people[0]
        yield (
            f"Rule: the strongest id that is known decides, in the order {_KINDS}. Here that is {_name(first.via)}, "
            f"of connection {first.connect_id} of member {first.member_id}."
        )
    for known in preview.people[1:]:
        same = known.member_id == preview.people[0].member_id
        what = "the same member" if same else "another one: the login moves nothing, and writes identity_conflict"
        yield f"{_name(known.via)} leads to connection {known.connect_id} of member {known.member_id}, {what}."
    if preview.people and not preview.people[0].has_aliases:
        yield "Another system wrote that connection; the login adds what it lacks."
    for person_id in _find_unknown(person, preview):
        if preview.people:
            yield f"{_name(person_id)} is not stored yet: the login adds it to the connection."


def _name(person_id: PersonId) -> str:
    scope = f" (scope {person_id.scope})" if person_id.scope else ""
    return f"{person_id.kind.value} {person_id.value}{scope}"


def _tell_history(preview: LoginPreview) -> Iterator[str]:
    if preview.times_ended:
        times = "once" if preview.times_ended == 1 else f"{preview.times_ended} times"
        yield f"A connection with one of these ids was unbound {times} before; it leads to nobody any more."
    if preview.was_erased:
        yield "One of these ids was erased a short time ago. Whose it was is not kept."
