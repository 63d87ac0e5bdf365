"""The small supervisor behind `make run`: it starts the product's processes and restarts what dies."""

from core.supervisor.child import Child
from core.supervisor.commands import beat_command, product_commands, web_command
from core.supervisor.listener import listen_on_free_port
from core.supervisor.supervisor import Supervisor

__all__ = ["Child", "Supervisor", "beat_command", "listen_on_free_port", "product_commands", "web_command"]
