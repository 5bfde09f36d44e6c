"""A user's project folder, as worker processes find it: crews on a model server that the test owns."""
