"""Scripts that run alike against a real and the embedded cluster, and what they see.

A script is a function of a `Site`; what it notes there is its transcript. The modules `registration`,
`tasks`, `operations` and `http_calls` each have a tuple `SCRIPTS`; `differences` has what may differ.
"""

from __future__ import annotations
