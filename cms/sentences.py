"""The sentences of refusals and of events in the history, for pages, JSON and the command line."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, cast

from flask import Flask
from flask_babel import gettext, lazy_gettext, ngettext

from accounts import errors
from accounts.errors import RefusalWord
from accounts.events import EventName
from accounts.flows.history import Event
from validators import INCORRECT_CODE

ErrorWord = Literal[
    RefusalWord,
    "bad_request",
    "check_email",
    "csrf_failed",
    "forbidden",
    "internal",
    "invalid",
    "method_not_allowed",
    "not_found",
    "too_large",
    "unavailable",
    "unsupported_media_type",
]
"""All words in `data.error`: those of refusals, and those of requests that reach no use case or that fail."""


class Response(NamedTuple):
    """The HTTP status and the sentence of a refusal; `of_another` is the one for actions on another account."""

    status: int
    sentence: Any
    of_another: Any = ""


class RefusalResponse(NamedTuple):
    """The response to a refused request: HTTP status, error word, field that it belongs to ("" for none), sentence."""

    status: int
    word: ErrorWord
    field: str
    sentence: Any


REFUSALS: Mapping[type[errors.Refusal], Response] = {
    errors.SignInRequired: Response(401, lazy_gettext("Sign in to continue.")),
    errors.ReauthRequired: Response(401, lazy_gettext("Confirm your identity to continue.")),
    errors.WrongCredentials: Response(400, lazy_gettext("The email address or password is incorrect.")),
    errors.PasswordWrong: Response(400, lazy_gettext("The password is incorrect.")),
    errors.PasswordBreached: Response(
        400, lazy_gettext("This password is known from a data breach. Choose a different one.")
    ),
    errors.ChangesOff: Response(
        403,
        lazy_gettext("Your email address is managed by the operator of this site and cannot be changed here."),
        lazy_gettext(
            "The email address of this account is managed by the operator of this site and cannot be changed here."
        ),
    ),
    errors.DomainNotAllowed: Response(400, ""),
    errors.SameEmail: Response(
        400,
        lazy_gettext("This is already your email address."),
        lazy_gettext("This is already the email address of the account."),
    ),
    errors.EmailTaken: Response(409, lazy_gettext("This address belongs to another account.")),
    errors.CodeWrong: Response(400, INCORRECT_CODE),
    errors.CodeExpired: Response(400, lazy_gettext("The code has expired. Get a new one.")),
    errors.AskedElsewhere: Response(
        409,
        lazy_gettext("This code was requested in another browser. Enter it there, or get a new code here."),
    ),
    errors.ChangeWasDropped: Response(409, ""),
    errors.AlreadyChanged: Response(
        409,
        lazy_gettext("The change has already been made. To undo it, use the link in the email about the change."),
    ),
    errors.NothingToStop: Response(
        410,
        lazy_gettext("It was cancelled or has expired, so there is nothing to stop."),
    ),
    errors.AlreadyReset: Response(
        409,
        lazy_gettext("Two-step verification has already been removed. Sign in and set it up again."),
    ),
    errors.CodeMissing: Response(400, ""),
    errors.ChangesFrozen: Response(
        403,
        lazy_gettext("A change was undone recently, so the email address cannot be changed for now."),
    ),
    errors.LinkDead: Response(
        410, lazy_gettext("This link has been used, has expired, or was replaced by a newer one.")
    ),
    errors.UsernameTaken: Response(409, lazy_gettext("This username is already taken.")),
    errors.ProfileChanged: Response(
        409,
        lazy_gettext("Your profile was changed in another window. Check the saved profile and try again."),
    ),
    errors.LastSuperuser: Response(
        409,
        lazy_gettext("This is the last superuser. At least one superuser is required."),
    ),
    errors.HistoryBroken: Response(
        409,
        lazy_gettext("The history of the account was changed or is incomplete. Verify it first."),
    ),
    errors.NotAllowed: Response(403, lazy_gettext("This is not allowed.")),
    errors.NotYourself: Response(409, lazy_gettext("You cannot do this to your own account.")),
    errors.NobodyThere: Response(404, lazy_gettext("Administrator not found.")),
    errors.TooManyAttempts: Response(429, lazy_gettext("Too many incorrect codes. Get a new one later.")),
    errors.TooManyRequests: Response(429, lazy_gettext("Too many requests.")),
    errors.SecondFactorRequired: Response(403, lazy_gettext("Set up two-step verification first.")),
    errors.SecondFactorWrong: Response(400, lazy_gettext("The code is incorrect or has already been used.")),
    errors.PasskeyRefused: Response(400, lazy_gettext("This passkey was not accepted.")),
    errors.AlreadyAdded: Response(409, lazy_gettext("This has already been added.")),
    errors.ChallengeExpired: Response(400, lazy_gettext("That took too long. Try again.")),
    errors.SignInExpired: Response(410, lazy_gettext("Your sign-in has expired. Sign in again.")),
    errors.SetUpExpired: Response(410, lazy_gettext("There is no authenticator app to set up. Start again.")),
    errors.LastFactor: Response(
        409,
        lazy_gettext(
            "Your organization requires two-step verification. Add another method before you remove this one."
        ),
    ),
    errors.TooManyPasskeys: Response(409, lazy_gettext("You cannot add more passkeys. Remove one first.")),
}
HTTP_ERRORS: Mapping[int, tuple[ErrorWord, Any]] = {
    400: ("bad_request", lazy_gettext("The request could not be understood.")),
    403: ("forbidden", lazy_gettext("This is not allowed.")),
    404: ("not_found", lazy_gettext("Page not found.")),
    405: ("method_not_allowed", lazy_gettext("This action is not supported here.")),
    413: ("too_large", lazy_gettext("The request is too large.")),
    415: ("unsupported_media_type", lazy_gettext("Submit the data as a form.")),
    500: (
        "internal",
        lazy_gettext("Something went wrong. Before you try again, check whether the action was completed."),
    ),
}
STILL_MISSING = {
    "new": lazy_gettext("The code is correct. Now enter the code sent to the new address."),
    "old": lazy_gettext("The code is correct. Now enter the code sent to your current address."),
}
HOST_UNKNOWN = lazy_gettext("This host name is not served here.")
CSRF_FAILED = lazy_gettext("This page has expired. Reload it and try again.")
UNAVAILABLE = lazy_gettext("The service is currently unavailable. Try again in a moment.")


EVENTS: Mapping[EventName, Any] = {
    "administrator_created": lazy_gettext("Account created"),
    "signed_in": lazy_gettext("Signed in"),
    "signed_out": lazy_gettext("Signed out"),
    "sign_in_failed": lazy_gettext("Sign-in failed"),
    "password_proved": lazy_gettext("Password confirmed"),
    "password_wrong": lazy_gettext("Incorrect password"),
    "wrong_credentials": lazy_gettext(
        "Sign-in failed: the password, the address or the account was changed in the meantime"
    ),
    "password_link_sent": lazy_gettext("Link to set a new password sent"),
    "password_set": lazy_gettext("New password set"),
    "code_requested": lazy_gettext("Code requested for a new email address"),
    "code_wrong": lazy_gettext("Incorrect code"),
    "code_missing": lazy_gettext("First of two codes accepted"),
    "code_expired": lazy_gettext("Refused: code expired"),
    "code_locked": lazy_gettext("Too many incorrect codes: the code no longer works"),
    "tries_spent": lazy_gettext("Too many incorrect codes within 24 hours"),
    "change_cancelled": lazy_gettext("Email address change cancelled"),
    "change_stopped": lazy_gettext("Change stopped from the current address"),
    "email_changed": lazy_gettext("Email address changed"),
    "change_undone": lazy_gettext("Change undone from the old address"),
    "session_ended": lazy_gettext("Session ended"),
    "other_sessions_ended": lazy_gettext("All other sessions ended"),
    "password_breached": lazy_gettext("Refused: password known from a data breach"),
    "changes_off": lazy_gettext("Refused: email address managed by the operator"),
    "domain_not_allowed": lazy_gettext("Refused: domain not allowed"),
    "same_email": lazy_gettext("Refused: already the current address"),
    "email_taken": lazy_gettext("Refused: address belongs to another account"),
    "too_many_attempts": lazy_gettext("Refused: no tries left"),
    "too_many_requests": lazy_gettext("Refused: too many requests"),
    "changes_frozen": lazy_gettext("Refused: email address frozen"),
    "reauth_required": lazy_gettext("Refused: identity must be confirmed first"),
    "profile_changed": lazy_gettext("Profile changed"),
    "profile_outdated": lazy_gettext("Profile not saved: it had been changed in another window"),
    "username_taken": lazy_gettext("Refused: username already taken"),
    "registered": lazy_gettext("Registered with an invitation"),
    "invitation_sent": lazy_gettext("Invitation sent"),
    "invitation_withdrawn": lazy_gettext("Invitation withdrawn"),
    "made_superuser": lazy_gettext("Role changed to superuser"),
    "made_editor": lazy_gettext("Role changed to editor"),
    "disabled": lazy_gettext("Account disabled"),
    "enabled": lazy_gettext("Account enabled"),
    "change_started": lazy_gettext("Email address change started for this account"),
    "unlocked": lazy_gettext("Account unlocked"),
    "change_dropped": lazy_gettext("Pending email address change cancelled for this account"),
    "change_withdrawn": lazy_gettext("Change withdrawn: the administrator who started it no longer has permission"),
    "sessions_ended": lazy_gettext("All sessions ended"),
    "asked_elsewhere": lazy_gettext("Refused: code requested in another browser"),
    "change_was_dropped": lazy_gettext("Refused: the change had been cancelled"),
    "already_changed": lazy_gettext("Stop link used after the change took effect"),
    "nothing_to_stop": lazy_gettext("Stop link used when no change was pending"),
    "link_dead": lazy_gettext("Refused: invalid or expired link"),
    "last_superuser": lazy_gettext("Refused: last superuser"),
    "not_yourself": lazy_gettext("Refused: own account"),
    "nobody_there": lazy_gettext("Refused: administrator not found"),
    "not_allowed": lazy_gettext("Refused: permission denied"),
    "sign_in_required": lazy_gettext("Refused: session had ended"),
    "second_factor_required": lazy_gettext("Refused: two-step verification required"),
    "second_factor_wrong": lazy_gettext("Password correct, but second step failed"),
    "passkey_refused": lazy_gettext("Passkey not accepted"),
    "already_added": lazy_gettext("Refused: passkey or app already added"),
    "challenge_expired": lazy_gettext("Refused: passkey used too late"),
    "sign_in_expired": lazy_gettext("Refused: sign-in expired before the second step"),
    "set_up_expired": lazy_gettext("Refused: no authenticator app to set up"),
    "last_factor": lazy_gettext("Refused: last method of two-step verification"),
    "too_many_passkeys": lazy_gettext("Refused: too many passkeys"),
    "passkey_added": lazy_gettext("Passkey added"),
    "passkey_renamed": lazy_gettext("Passkey renamed"),
    "passkey_removed": lazy_gettext("Passkey removed"),
    "app_added": lazy_gettext("Authenticator app added"),
    "app_replaced": lazy_gettext("Authenticator app replaced"),
    "app_removed": lazy_gettext("Authenticator app removed"),
    "recovery_codes_created": lazy_gettext("New recovery codes created"),
    "recovery_code_used": lazy_gettext("Recovery code used"),
    "factor_proved": lazy_gettext("Identity confirmed with a passkey"),
    "factor_reset_started": lazy_gettext("Removal of two-step verification started for this account"),
    "factor_reset_stopped": lazy_gettext("Removal of two-step verification stopped"),
    "factor_reset_withdrawn": lazy_gettext(
        "Removal of two-step verification withdrawn: the administrator who started it no longer has permission"
    ),
    "factors_reset": lazy_gettext("Two-step verification removed for this account"),
    "already_reset": lazy_gettext("Stop link used after two-step verification had been removed"),
    "factors_removed": lazy_gettext("Passkeys and apps removed that were added after the undone change"),
    "history_broken": lazy_gettext("Refused: account history incomplete"),
    "data_exported": lazy_gettext("Copy of the personal data created"),
    "account_erased": lazy_gettext("Personal data erased"),
}
OTHER_EVENT = lazy_gettext("Other event")


def init_app(app: Flask) -> None:
    """Make event sentences available to templates."""
    app.add_template_global(event_sentence, "cms_event_sentence")


def tell(refusal: errors.Refusal, *, of_another: bool = False) -> tuple[RefusalResponse, dict[str, Any]]:
    """Return the response to a refusal, and the details that its JSON contains in addition."""
    status, sentence, sentence_of_another = REFUSALS[type(refusal)]
    details = refusal.details
    if of_another and sentence_of_another:
        sentence = sentence_of_another
    if isinstance(refusal, errors.CodeWrong):
        details["hint"] = _tries_left(refusal.tries_left)
    if isinstance(refusal, errors.SecondFactorWrong) and refusal.field == "recovery_code":
        sentence = gettext("The recovery code is incorrect or has already been used.")
    if isinstance(refusal, errors.SecondFactorWrong) and refusal.tries_left is not None:
        details["hint"] = _tries_left(refusal.tries_left)
    if isinstance(refusal, errors.CodeMissing):
        sentence = STILL_MISSING[refusal.missing]
    if isinstance(refusal, errors.DomainNotAllowed):
        domains = ", ".join(refusal.domains)
        sentence = gettext("The address must be at one of these domains: %(domains)s.", domains=domains)
    if isinstance(refusal, errors.ChangeWasDropped):
        by = refusal.by or gettext("the operator")
        sentence = gettext("This change was cancelled by %(by)s. The reason is in the email we sent you.", by=by)
    return RefusalResponse(status, refusal.word, refusal.field, sentence), details


def _tries_left(number: int) -> str:
    return str(ngettext("%(num)d try left.", "%(num)d tries left.", number))


def refusal_sentence(refusal: errors.Refusal) -> str:
    """Return the complete sentence of a refusal for actions on another account, as on the command line."""
    said, details = tell(refusal, of_another=True)
    sentence = str(said.sentence)
    if "hint" in details:
        sentence = joined(sentence, details["hint"])
    if isinstance(refusal, errors.WaitFirst):
        sentence = joined(sentence, retry_sentence(refusal.retry_after))
    return sentence


def event_sentence(event: str) -> str:
    """Return the sentence of an event, or a general one for events of a newer version of the application."""
    return str(EVENTS.get(cast("EventName", event), OTHER_EVENT))


def doer(event: Event) -> str:
    """Return the other administrator or the operator who acted on the account, else an empty text."""
    by = str(event.detail.get("by", ""))
    if by not in ("", "-"):
        return by
    return "" if event.is_own else str(gettext("the operator"))


def joined(sentence: str, more: str) -> str:
    """Join two sentences."""
    return str(gettext("%(sentence)s %(next)s", sentence=sentence, next=more))


def retry_sentence(seconds: int) -> str:
    """Return how long to wait, in a suitable unit."""
    if seconds < 100:
        return str(ngettext("Try again in %(num)d second.", "Try again in %(num)d seconds.", seconds))
    minutes = -(-seconds // 60)
    if minutes < 100:
        return str(ngettext("Try again in %(num)d minute.", "Try again in %(num)d minutes.", minutes))
    return str(ngettext("Try again in %(num)d hour.", "Try again in %(num)d hours.", -(-minutes // 60)))
