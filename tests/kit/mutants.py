"""Providers and sandboxes with one defect each, and the rule of the contract that finds it."""

from collections.abc import Mapping
from types import MappingProxyType

from connect_apple import AppleProvider
from connect_core.plugin import Provider, Register, hookimpl

from . import mutants_of_calls as calls
from . import mutants_of_identity as identity
from .sound_provider import SoundProvider

KILLED_BY: Mapping[type, str] = MappingProxyType(
    {
        identity.TextIds: "test_what_is_no_id_logs_nobody_in",
        identity.LowerIds: "test_ids_that_look_alike_are_two_people",
        identity.StrippedIds: "test_ids_that_look_alike_are_two_people",
        identity.RoundedIds: "test_ids_that_look_alike_are_two_people",
        identity.NameIsId: "test_a_name_is_no_id",
        identity.ClientsId: "test_nobody_is_who_a_client_says",
        identity.AnyParametersId: "test_nobody_is_who_a_client_says",
        identity.ClientsName: "test_nobody_is_who_a_client_says",
        identity.AsciiNames: "test_names_are_shown_as_written",
        identity.SecretInText: "test_no_secret_is_told",
        identity.SecretInVendor: "test_no_secret_is_told",
        identity.SecretOnStderr: "test_no_secret_is_told",
        identity.SecretOnStdout: "test_no_secret_is_told",
        identity.SecretInFile: "test_no_secret_is_told",
        identity.SecretInLogFile: "test_no_secret_is_told",
        calls.FollowsRedirects: "test_unusable_answers_end_the_login",
        calls.AsksAgain: "test_outages_are_told_as_such",
        calls.WrongCode: "test_vendor_refusals_have_our_codes",
        calls.SwallowsCancellation: "test_a_cancelled_call_ends",
        calls.SlowCleanup: "test_a_cancelled_call_ends",
        calls.IgnoresTimeouts: "test_slow_vendor_is_a_time_out_and_holds_nobody",
        calls.Blocks: "test_the_event_loop_is_never_held",
        calls.OwnClient: "test_calls_go_through_the_core_and_are_few",
        calls.SharedState: "test_a_crowd_is_kept_apart",
        calls.UncheckedProfile: "test_profile_of_somebody_else_ends_the_login",
        calls.ProfileIsNeeded: "test_login_stands_without_a_profile",
        calls.DistrustsPages: "test_login_stands_without_a_profile",
        calls.UnsignedPhone: "test_a_phone_number_is_the_vendors",
        calls.RepeatedPhone: "test_a_phone_number_is_the_vendors",
        calls.NoCountry: "test_a_phone_number_is_the_vendors",
        calls.NoPhone: "test_a_phone_number_is_the_vendors",
        calls.RevokesNothing: "test_consent_is_withdrawn_at_the_vendor",
        calls.RevokesByGrant: "test_consent_is_withdrawn_at_the_vendor",
        calls.RevokesSilently: "test_consent_is_withdrawn_at_the_vendor",
        calls.UnsignedNotice: "test_a_notice_is_believed_if_the_vendor_signed_it",
        calls.IgnoredNotice: "test_a_notice_is_believed_if_the_vendor_signed_it",
        calls.RawLink: "test_a_deep_link_leads_back",
        calls.TwiceEncodedLink: "test_a_deep_link_leads_back",
        calls.LinkInsideTheApp: "test_a_deep_link_leads_back",
        calls.OwnState: "test_state_is_unpredictable_and_fits_every_vendor",
        calls.SecretInLink: "test_no_secret_is_in_the_login_url",
        calls.RawRedirectUri: "test_redirect_uri_is_encoded_once",
        calls.IgnoresNonce: "test_an_id_token_belongs_to_one_login",
        calls.NoOutcomes: "test_vendor_refusals_have_our_codes",
        calls.FindsTexts: "test_what_the_doctor_is_told_is_sound",
        calls.FindsFaultWithItself: "test_what_the_doctor_is_told_is_sound",
        calls.ExpiresAsText: "test_what_the_doctor_is_told_is_sound",
        calls.UnknownCertificate: "test_what_the_doctor_is_told_is_sound",
        calls.Crashing: "test_untrusted_answers_end_the_login",
    }
)
"""Each provider or sandbox with a defect, and the rule that finds it."""


def name_of(mutant: type) -> str:
    """Return the name of a mutant as a plugin."""
    return mutant.__name__.lower()


class Mutants:
    """The plugin object that registers all of them, and the sound provider."""

    @hookimpl
    def connect_register_providers(self, register: Register) -> None:
        """Register each by the name of its class."""
        sound = f"{SoundProvider.__module__}:SoundSandbox"
        register("sound", SoundProvider, sandbox=sound)
        for mutant in KILLED_BY:
            if issubclass(mutant, Provider):
                is_apples = issubclass(mutant, AppleProvider)
                register(name_of(mutant), mutant, sandbox="connect_apple.sandbox:AppleSandbox" if is_apples else sound)
            else:
                register(name_of(mutant), SoundProvider, sandbox=f"{mutant.__module__}:{mutant.__name__}")
