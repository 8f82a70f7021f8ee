"""Where agents listen, as offers told, so that framework messages can go there straight."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from mesos_messenger import UPID

_log = logging.getLogger("mesos.scheduler")


class AgentAddresses:
    """Remembers the address in each open offer, and keeps those of agents that tasks were launched on."""

    def __init__(self) -> None:
        self._offers: dict[str, tuple[str, UPID]] = {}
        self._agents: dict[str, UPID] = {}

    def offered(self, offer_id: str, agent_id: str, address: UPID) -> None:
        """Remember an offer's agent."""
        self._offers[offer_id] = (agent_id, address)

    def launched(self, offer_ids: Iterable[str], agent_ids: set[str]) -> None:
        """Keep the addresses of the agents launched on; the offers are used up."""
        for offer_id in offer_ids:
            offer = self._offers.pop(offer_id, None)
            if offer is None:
                _log.warning("accepting an unknown offer %s", offer_id)
            elif offer[0] in agent_ids:
                self._agents[offer[0]] = offer[1]

    def forget_offer(self, offer_id: str) -> None:
        """Forget an offer that was declined or rescinded."""
        self._offers.pop(offer_id, None)

    def forget_offers(self) -> None:
        """Forget every offer: the master that made them is gone."""
        self._offers.clear()

    def forget_agent(self, agent_id: str) -> None:
        """Forget an agent that is lost."""
        self._agents.pop(agent_id, None)

    def get(self, agent_id: str) -> UPID | None:
        """Return where the agent listens, if known."""
        return self._agents.get(agent_id)
