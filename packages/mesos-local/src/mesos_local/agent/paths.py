"""Where things are under an agent's work directory, as upstream's src/slave/paths.cpp lays them out."""

from __future__ import annotations

import os

__all__ = [
    "agent_info",
    "executor_directory",
    "executor_meta",
    "fetch_cache",
    "framework_meta",
    "link",
    "meta_directory",
    "point",
    "resource_state",
    "sandbox",
    "volume",
]


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


def point(directory: str, name: str) -> None:
    """Let the link `name` beside a directory point to it; the target is absolute, as upstream's."""
    link(directory, os.path.join(os.path.dirname(directory), name))


def link(directory: str, place: str) -> None:
    """Let the link at `place`, which may be there, point to a directory."""
    fresh = f"{place}.new"
    os.symlink(directory, fresh)
    os.replace(fresh, place)


def fetch_cache(work_dir: str) -> str:
    """Give the directory of what was fetched, and may be wanted again."""
    return os.path.join(work_dir, "fetch")


def meta_directory(work_dir: str) -> str:
    """Give the root of the checkpoints."""
    return os.path.join(work_dir, "meta")


def agent_info(work_dir: str, agent_id: str) -> str:
    """Give the file that says who the agent is."""
    return os.path.join(meta_directory(work_dir), "slaves", agent_id, "slave.info")


def resource_state(work_dir: str) -> str:
    """Give the file of reservations, volumes, and the operations that made them."""
    return os.path.join(meta_directory(work_dir), "resources", "resources_and_operations.state")


def framework_meta(work_dir: str, agent_id: str, framework_id: str) -> str:
    """Give the directory of what is written down about a framework."""
    return os.path.join(meta_directory(work_dir), "slaves", agent_id, "frameworks", framework_id)


def executor_meta(work_dir: str, agent_id: str, framework_id: str, executor_id: str) -> str:
    """Give the directory of what is written down about an executor."""
    return os.path.join(framework_meta(work_dir, agent_id, framework_id), "executors", executor_id)
