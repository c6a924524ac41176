"""Strava's sandbox: the athlete in the token answer, errors as a list of resources.

https://developers.strava.com/docs/reference/#api-models-Fault
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_strava import StravaProvider

FIELDS = {"AuthorizationCode": "code", "Application": "client_id", "Athlete": "access_token"}


class StravaSandbox(OAuth2Sandbox):
    """One API application."""

    title = "Strava 沙箱 · Strava sandbox"
    provider = StravaProvider
    client_id = "12345"
    refusals = {"invalid_grant": "AuthorizationCode", "invalid_client": "Application", "invalid_token": "Athlete"}
    documented = (
        # https://developers.strava.com/docs/authentication/#requesting-access
        DocumentedRequest(
            "GET",
            "https://www.strava.com/oauth/authorize",
            query=of_login("response_type client_id redirect_uri state", scope="read"),
            optional=("approval_prompt",),
        ),
        # https://developers.strava.com/docs/authentication/#token-exchange
        DocumentedRequest(
            "POST",
            "https://www.strava.com/api/v3/oauth/token",
            form=of_login("grant_type client_id client_secret code"),
            answer={
                "token_type": "Bearer",
                "expires_at": 1568775134,
                "expires_in": 21600,
                "refresh_token": "e5n567567",
                "access_token": "a4b945687g",
                "athlete": {"id": 32641234, "username": None, "resource_state": 2, "firstname": "georges"},
            },
        ),
        # https://developers.strava.com/docs/reference/#api-Athletes-getLoggedInAthlete
        # (the example of pennersr/django-allauth)
        DocumentedRequest(
            "GET",
            "https://www.strava.com/api/v3/athlete",
            headers={"Authorization": "Bearer {access_token}"},
            answer={
                "id": 32641234,
                "username": None,
                "resource_state": 2,
                "firstname": "georges",
                "lastname": "camembert",
                "city": "London",
                "state": "England",
                "country": "United Kingdom",
                "sex": "M",
                "premium": False,
                "created_at": "2017-07-12T12:42:52Z",
                "profile_medium": "avatar/athlete/medium.png",
                "profile": "avatar/athlete/large.png",
            },
        ),
    )
    documented_ids = (PersonId.user_id(32641234),)
    documented_profile = Profile(nickname="georges camembert", sex=1, province="England", city="London")

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer with a summary of the athlete."""
        athlete = {"id": self.user_id(grant.person.key), "resource_state": 2, "firstname": grant.person.nickname}
        times = {"expires_at": int(self.now()) + 21600, "expires_in": 21600}
        return {"token_type": "Bearer", **times, "refresh_token": "r", "access_token": token, "athlete": athlete}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the athlete; names come in two parts."""
        first, _, last = person.nickname.partition(" ")
        sex = {1: "M", 0: "F", None: None}[person.sex]
        names = {"firstname": first, "lastname": last}
        return {"id": self.user_id(person.key), **names, "sex": sex, "profile": person.face}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return a fault, which names what is wrong by its kind and field."""
        fault = {"resource": code, "field": FIELDS.get(code, "request"), "code": "invalid"}
        return {"message": "Authorization Error" if code == "Athlete" else "Bad Request", "errors": [fault]}

    def get_outcomes(self) -> Mapping[str, str]:
        """Return the faults of both calls."""
        return {**super().get_outcomes(), "Athlete": "code_invalid"}
