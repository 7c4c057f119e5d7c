"""How Ombud is started: the supervisor, the embedded servers and the containers."""
