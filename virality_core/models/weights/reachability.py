"""Is the network there? Decided within seconds, and remembered, so that being offline never means waiting."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from virality_core.models.weights.manifest import Entry
from virality_core.version import __version__

USER_AGENT = f"virality-core/{__version__}"

_CONNECT_SECONDS = 2.0  # for each address of the host; a hub that takes longer is too slow to be "reachable"
_DECIDE_SECONDS = 3.0  # for all of it: looking a name up has no timeout of its own
_REMEMBER_SECONDS = 300.0  # a page that started offline looks again after a while

_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "its name can't be looked up"),
    (ConnectionRefusedError, "it refuses the connection"),
    (TimeoutError, "it did not answer in time"),
    (ssl.SSLCertVerificationError, "its certificate is not trusted"),
    (ssl.SSLError, "a secure connection can't be made"),
)

_lock = threading.Lock()
_known: dict[str, tuple[float, str | None]] = {}  # origin → (when to look again, why it is out of reach or None)


def why_unreachable(entry: Entry) -> str | None:
    """Why the entry's host can't be reached, in a few words, or None if it answers. Takes at most about 3 seconds."""
    from huggingface_hub import constants  # reads HF_HUB_OFFLINE and HF_ENDPOINT at import

    if constants.is_offline_mode():
        return "HF_HUB_OFFLINE is set"
    address = constants.ENDPOINT if entry.source == "hub" else str(entry.url)
    origin = _origin(address)
    if origin is None:
        return f"{address!r} (HF_ENDPOINT) is no http or https address"
    with _lock:  # also holds back the others, who would only ask the same
        look_again, reason = _known.get(origin, (0.0, None))
        if time.monotonic() >= look_again:
            reason = _probe_within(origin)
            _known[origin] = (time.monotonic() + _REMEMBER_SECONDS, reason)
        return reason


def _origin(address: str) -> str | None:
    """Scheme, host and port of a web address, without a name and password that may be in it; None for others."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")


def in_words(error: BaseException) -> str:
    """Why a connection failed, in a few words without the numbers of errors."""
    reason = getattr(error, "reason", error)
    for kind, words in _WORDS:
        if isinstance(reason, kind):
            return words
    said = getattr(reason, "strerror", None)
    return said if isinstance(said, str) and said else "it does not answer as a web server does"


def forget() -> None:
    """Forget which hosts answered, so that the next question asks them again."""
    with _lock:
        _known.clear()


def _probe_within(origin: str) -> str | None:
    answer: list[str | None] = []
    prober = threading.Thread(target=lambda: answer.append(_probe(origin)), daemon=True)
    prober.start()
    prober.join(_DECIDE_SECONDS)
    return answer[0] if answer else f"{origin} did not answer within {_DECIDE_SECONDS:.0f} s"


def _probe(origin: str) -> str | None:
    request = urllib.request.Request(origin + "/", method="HEAD", headers={"User-Agent": USER_AGENT})
    try:
        with _opener().open(request, timeout=_CONNECT_SECONDS):
            return None
    except urllib.error.HTTPError as error:  # it answers; whether it has the file is for the download to find out
        error.close()
        return f"{origin} answers with error {error.code}" if error.code >= 500 else None
    except (OSError, ValueError, TypeError, http.client.HTTPException) as error:
        return f"{origin} can't be reached: {in_words(error)}"


def _opener() -> urllib.request.OpenerDirector:
    """Goes through the proxy that is set, if any, and follows no redirect: a redirect is an answer too."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener
