"""What it means when an account cannot be opened: whether it may be there all the same, the cure.

Words alone. It may not call the provider, nor print.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from budgetd.provider.errors import ProviderError

# What the provider's codes of these two APIs mean, and the cure (ep_00023 and its neighbours).
CURES = {
    "CBC.0100": "a field does not have the form the provider wants; its words say which",
    "CBC.0151": "only the enterprise master may do this; look at the credentials and their rights",
    "CBC.7004": "a business check of the provider is not met",
    "CBC.99007004": "a business check of the provider is not met",
    "CBC.70900002": "accounts of this enterprise are opened through the provider's own staff",
    "CBC.99007490": "the reseller of this enterprise is leaving; no account can be opened now",
    "CBC.99000026": "the code is wrong; ask for a new one and try again",
    "CBC.99000027": "the code is too old; ask for a new one and try again",
    "CBC.99000029": "the phone number belongs to another account; use another, or --own-phone",
    "CBC.99000030": "the phone number has too many accounts; use another, or --own-phone",
    "CBC.99000031": "the login name is not accepted or taken; choose another --name",
    "CBC.99000036": "the password does not have the form the provider wants; choose another",
    "CBC.99000051": "the phone number is reserved by the provider; use another",
    "CBC.99007197": "too many attempts from this address; wait a while",
    "CBC.70300008": "only the enterprise master may have codes sent",
    "CBC.70300009": "an account under custody may not have codes sent",
    "CBC.99000082": "too many codes were sent to this number; wait, then try again",
    "CBC.99004003": "a code was made but the message did not leave; try again",
    "VERIFIED_NUMBER_OVER_MAX_LIMIT": "the phone number has too many verified accounts",
    "MAX_SUB_INDEPENDENT_NUM": "the enterprise has as many independent accounts as it may",
}


def is_unknown(error: "ProviderError") -> bool:
    """Whether a POST may have been carried out although it failed. A failed business check is
    documented with the status 500, and is a refusal all the same."""
    from budgetd.provider import errors
    from budgetd.provider.calls import CONNECT, TLS

    match error:
        case errors.Unreachable():
            return error.code not in (CONNECT, TLS)
        case errors.ServerFault():
            return error.code != "CBC.7004"
        case errors.MalformedAnswer():
            return True
        case _:
            return False


def cure_of(error: "ProviderError") -> str:
    """What to do about it, as the end of a sentence; empty where nobody knows."""
    known = [text for code, text in CURES.items() if code == error.code]
    known += [text for item, text in CURES.items() if item in error.message and item != error.code]
    return f": {'; '.join(known)}" if known else ""
