"""The first code of a packed file: pick a Python, pick a folder to unpack into, hand over to shiv.

It is copied into the file by `pack` and runs on whatever `python3` an agent has, with nothing but the
standard library; so it is written for Python 3.6, and says what is missing instead of failing on syntax.
"""

import os
import stat
import sys

OLDEST = (3, 10)
BUILT_WITH = ""  # `pack` fills in the interpreter that packed the file
COMPILED_FOR = ""  # and, such as "3.11", the version that extension modules inside were compiled for


def start() -> None:
    """Run the packed program."""
    _choose_python()
    if not os.environ.get("SHIV_ROOT"):
        os.environ["SHIV_ROOT"] = _choose_folder()
    # A `google` package of the system, loaded by a .pth file before us, would hide our own protobuf.
    for name in [name for name in sys.modules if name.partition(".")[0] == "google"]:
        del sys.modules[name]
    import _bootstrap  # type: ignore[import-not-found]

    _bootstrap.bootstrap()


def _choose_python() -> None:
    """Stay on this interpreter when it will do, else run again on one that will."""
    here = "%d.%d" % sys.version_info[:2]  # noqa: UP031
    if sys.version_info >= OLDEST and COMPILED_FOR in ("", here):
        return
    if "MESOS_EXECUTOR_PYTHON" not in os.environ:
        for candidate in _candidates():
            os.environ["MESOS_EXECUTOR_PYTHON"] = here
            os.execv(candidate, [candidate, *sys.argv])
    if sys.version_info < OLDEST:
        wanted = "%d.%d" % OLDEST  # noqa: UP031
        sys.exit(
            sys.argv[0]
            + " needs Python "
            + wanted
            + " or newer; "
            + sys.executable
            + " is "
            + here
            + ". Install a newer one on this machine, or pack the program again with --python naming one."
        )


def _candidates() -> "list[str]":
    versions = [COMPILED_FOR] if COMPILED_FOR else ["3." + str(minor) for minor in range(20, 9, -1)]
    folders = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
    paths = [os.path.join(folder, "python" + version) for version in versions for folder in folders]
    if BUILT_WITH:
        paths.append(BUILT_WITH)
    return [path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)]


def _choose_folder() -> str:
    """Return where to unpack: the sandbox, which Mesos cleans up; by hand, the home folder or a temporary
    one."""
    for name in ("MESOS_SANDBOX", "MESOS_DIRECTORY"):
        folder = os.environ.get(name)
        if folder and os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK):
            return os.path.join(folder, ".unpacked")
    home = os.environ.get("HOME")
    if home and os.path.isdir(home) and os.access(home, os.W_OK | os.X_OK):
        return os.path.join(home, ".shiv")
    import tempfile

    folder = os.path.join(tempfile.gettempdir(), "mesos-executor-" + str(os.getuid()))
    try:
        os.mkdir(folder, 0o700)
    except OSError:
        found = os.lstat(folder)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
            return tempfile.mkdtemp(prefix="mesos-executor-")
    return folder
