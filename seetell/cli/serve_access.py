"""Who may use ``seetell serve``: addresses, names, sites, proxies and a key, as its options give them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from seetell.errors import UsageError

if TYPE_CHECKING:
    from seetell.web.access import Access

KEY_VARIABLE = "SEETELL_API_KEY"


def access_of(host: str, names: tuple[str, ...], sites: tuple[str, ...], key: str | None) -> Access:
    """Return who may use the server.

    Without a key, only known names lead to it: a page of another site can have its own name lead to any address.

    Args:
        host: the address to serve on.
        names: under which it may be reached besides.
        sites: whose pages may call it.
        key: that clients must send.
    """
    from seetell.web.access import LOOPBACK, Access, own_names

    local = host in LOOPBACK
    hosts = None
    if local or names or key is None:
        hosts = (LOOPBACK if local else own_names(host)) | {name.lower() for name in names}
    return Access(hosts, addresses=not local, origins=tuple(map(_origin, sites)), key=key)


def network_of(proxy: str) -> str:
    """Return the network of a proxy's address.

    Raises:
        UsageError: it is no address.
    """
    import ipaddress

    try:
        return str(ipaddress.ip_network(proxy, strict=False))
    except ValueError as error:
        raise UsageError(
            f"--proxy {proxy}: expected an address such as 127.0.0.1, or a network such as 10.0.0.0/8"
        ) from error


def _origin(site: str) -> str:
    """Return the origin of a site as browsers send it.

    Raises:
        UsageError: it is not a site.
    """
    origin = site.lower().removesuffix("/")
    if re.fullmatch(r"https?://[^\s/?#@*]+", origin) is None:
        raise UsageError(f"--allow-origin {site}: expected a site such as https://example.org, without a path")
    return origin


def key_of(file: Path | None) -> str | None:
    """Return the key that clients must send.

    Raises:
        UsageError: it cannot be read, or is too easy to guess.
    """
    if file is None:
        key = os.environ.get(KEY_VARIABLE, "").strip()
        if not key:
            return None
    else:
        try:
            key = file.read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--key-file {file}: cannot be read ({error})") from error
    if len(key) < 16:
        raise UsageError("a key has at least 16 characters; make one: openssl rand -hex 24")
    return key
