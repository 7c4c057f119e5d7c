"""The card in other people's formats, each with a report of what it could not carry. Pure."""
