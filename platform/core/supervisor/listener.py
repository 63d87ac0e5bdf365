"""The web server's listening socket."""

import socket

from core.embedded.processes import say

HIGHEST_PORT = 65535


def listen_on_free_port(first: int, *, host: str = "127.0.0.1", tries: int = 200) -> socket.socket:
    """A listening socket on the first free port from `first` on.

    The supervisor keeps it for as long as it runs: nobody can take the port between finding and using it, and
    connections wait in its queue while the web server restarts.
    """
    for port in range(first, min(first + tries, HIGHEST_PORT + 1)):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(512)
        except OSError:
            listener.close()
            continue
        if port != first:
            say(f"Port {first} is taken; using {port}.")
        listener.set_inheritable(True)
        return listener
    raise SystemExit(f"No free port from {first} on: choose one with `make run PORT=...`.")
