"""What is served over HTTP beside the socket: operations, and the REST interface."""
