"""The test framework over the v1 HTTP API: launches tasks on an executor of its own and waits for their end.

The executor's program travels over HTTP from here to the agents; pack it into one file first:

    python -m mesos_executor.pack examples/example_executor_httpv1.py -o executor.pyz
    python examples/example_scheduler_httpv1.py -url=http://10.0.0.7:5050/api/v1/scheduler \\
        -server.address=10.0.0.5 -executor=executor.pyz -tasks=10

Flags, environment variables and defaults are those of mesos-go's program of this name, which `-help` lists;
the parts are in the folder `httpv1`.
"""

from __future__ import annotations

import sys


def main() -> int:
    """Run the program; Ctrl-C ends it quietly even while modules are still imported."""
    try:
        from httpv1 import program
    except KeyboardInterrupt:
        return 130
    except ImportError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return program.main()


if __name__ == "__main__":
    sys.exit(main())
