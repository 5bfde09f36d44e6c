"""Commands that work with a server which runs, over the Python client."""
