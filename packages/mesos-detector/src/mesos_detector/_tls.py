"""What to trust, and who to be, over https."""

from __future__ import annotations

import os
import ssl

from mesos_detector.errors import DetectorError


def tls_context(
    verify: bool | str, cert: str | tuple[str, str] | None, given: ssl.SSLContext | None
) -> ssl.SSLContext | None:
    """Return the context of these arguments, which are those of `requests`; None for the usual one."""
    if given is not None:
        if verify is not True or cert is not None:
            raise DetectorError("give verify and cert, or an ssl_context that has them, not both")
        return given
    if verify is True and cert is None:
        return None
    context = ssl.create_default_context()
    try:
        if isinstance(verify, str):
            context = ssl.create_default_context(
                **{"capath" if os.path.isdir(verify) else "cafile": verify}  # type: ignore[arg-type]
            )
        elif not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if cert is not None:
            context.load_cert_chain(*((cert,) if isinstance(cert, str) else cert))
    except (OSError, ValueError) as error:
        raise DetectorError(f"verify={verify!r}, cert={cert!r} cannot be used: {error}") from error
    return context
