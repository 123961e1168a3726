"""Networks and blocks that more than one paper uses."""
