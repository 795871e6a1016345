"""A WhatsApp Cloud API with people behind it, over real HTTP, for trying senders out without sending anything."""

from __future__ import annotations

from whatsapp_simulator.config import Config, ConfigError
from whatsapp_simulator.serving import RunningSimulator, serve

__all__ = ["Config", "ConfigError", "RunningSimulator", "serve"]
