"""Where requests go: to the address given, or to the leader that it named."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from .errors import ClientMisuse, RedirectFailed

REDIRECTS = frozenset({301, 302, 307, 308})


class Route:
    """Holds the URL of an API; `redirected` moves it, `reset` moves it back. May be used from any thread."""

    def __init__(self, url: str) -> None:
        self.given = checked(url)
        self.current = self.given

    def redirected(self, requested: str, location: str) -> str:
        """Return, and remember, the URL that an answer to `requested` names. Raises `RedirectFailed`.

        Masters leave out the scheme, and some of them the path, which are then as in the request.
        """
        if not location:
            raise RedirectFailed(f"{requested} redirects, but not where to")
        old = urlsplit(requested)
        try:
            new = urlsplit(location)
            port = new.port
        except ValueError as error:
            raise RedirectFailed(f"{requested} redirects to what is no URL: {error}") from error
        if new.netloc and (not new.hostname or "@" in new.netloc):
            raise RedirectFailed(f"{requested} redirects to no host, or to one with a password in front")
        scheme = new.scheme or old.scheme
        netloc = new.hostname or ""
        netloc = f"[{netloc}]" if ":" in netloc else netloc
        if port is not None:
            netloc += f":{port}"
        path = old.path if new.path in ("", "/") else new.path
        if old.scheme == "https" and scheme != "https":
            raise RedirectFailed(f"{requested} redirects away from TLS, to {scheme}://{netloc}{path}")
        target = urlunsplit((scheme, netloc or old.netloc, path, new.query or old.query, ""))
        try:
            self.current = checked(target)
        except ClientMisuse as error:
            raise RedirectFailed(f"{requested} redirects to where no request can go: {error}") from error
        return self.current

    def reset(self) -> None:
        """Forget the leader: the next request goes to the address given."""
        self.current = self.given


def checked(url: str) -> str:
    """Return the URL, with the path "/" if it has none. Raises `ClientMisuse` when it is none of HTTP's."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ClientMisuse(f"not a URL: {error}") from error
    if parts.username is not None or parts.password is not None:
        raise ClientMisuse("a URL must hold no user and no password: give `auth` instead")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ClientMisuse(f"want http://host:port/path, not {url!r}")
    if any(character <= " " or character == "\x7f" for character in url):
        raise ClientMisuse(f"{url!r} has spaces or control characters")
    return url if parts.path else urlunsplit((parts.scheme, parts.netloc, "/", parts.query, ""))
