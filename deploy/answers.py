"""Whether a web server answers: `python -m deploy.answers ADDRESS` for health checks."""

import http.client
import sys
from urllib.parse import urlsplit


def answers(address: str) -> bool:
    """True when a GET of the address is answered with 200."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if answers(sys.argv[1]) else 1)
