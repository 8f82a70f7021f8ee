"""Where things are under an agent's work directory, as upstream's src/slave/paths.cpp lays them out."""

from __future__ import annotations

import os.path

__all__ = ["executor_directory", "latest_link", "meta_directory", "sandbox", "volume"]


def executor_directory(work_dir: str, agent_id: str, framework_id: str, executor_id: str) -> str:
    """Give the directory of all runs of an executor."""
    return os.path.join(work_dir, "slaves", agent_id, "frameworks", framework_id, "executors", executor_id)


def sandbox(work_dir: str, agent_id: str, framework_id: str, executor_id: str, container_id: str) -> str:
    """Give the directory in which one run of an executor starts."""
    return os.path.join(
        executor_directory(work_dir, agent_id, framework_id, executor_id), "runs", container_id
    )


def volume(work_dir: str, role: str, persistence_id: str) -> str:
    """Give the directory of a persistent volume; the slashes of a role do not make directories."""
    return os.path.join(work_dir, "volumes", "roles", role.replace("/", " "), persistence_id)


def latest_link(directory: str) -> str:
    """Give the link beside a sandbox that points to the newest run."""
    return os.path.join(os.path.dirname(directory), "latest")


def meta_directory(work_dir: str) -> str:
    """Give the root of the checkpoints."""
    return os.path.join(work_dir, "meta")
