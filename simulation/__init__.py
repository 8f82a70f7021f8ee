"""Seeded histories: scheduler, masters, agents and executors as pure sessions on a network in memory."""
