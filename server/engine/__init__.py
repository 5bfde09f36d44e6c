"""The engine of a worker process: what it is made of, and how it starts and stops."""
