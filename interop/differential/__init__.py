"""Scripts that run alike against a real and the embedded cluster, and what they see.

A script is a function of a `Site`; what it notes there is its transcript. Each module but `client` and
`differences`, which has what may differ, has a tuple `SCRIPTS`.
"""

from __future__ import annotations
