"""One module per server that runs when nobody gives an address of a real one."""
