"""Where the provider is: a scheme and a host, checked.

Pure. It may not resolve or reach anything.
"""

import ipaddress
import re
from urllib.parse import urlsplit

from budgetd.provider.errors import InvalidRequest

_DEFAULT_PORTS = {"https": 443, "http": 80}


def host_of(endpoint: str) -> str:
    """Host and port as the `Host` header has them, without a default port.

    Raises `InvalidRequest` for anything but `https://host[:port]`, or `http://` to loopback;
    the address is not repeated, since it could hold a password.
    """
    if not re.fullmatch(r"[!-~]{1,300}", endpoint):
        raise _refused("is not an address")
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _refused("is not an address") from None
    if not host or "@" in endpoint or parts.path not in ("", "/") or "?" in endpoint:
        raise _refused("must be a scheme and a host, without user, path or query")
    if "#" in endpoint or not re.fullmatch(r"[a-z0-9.:-]{1,253}", host):
        raise _refused("must be a scheme and a host, without user, path or query")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise _refused("must be https (http to loopback only)")
    name = f"[{host}]" if ":" in host else host
    return name if port in (None, _DEFAULT_PORTS[parts.scheme]) else f"{name}:{port}"


def _refused(why: str) -> InvalidRequest:
    return InvalidRequest("the provider", "the endpoint", why)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
