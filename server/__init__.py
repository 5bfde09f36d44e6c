"""The Quarterdeck service: web processes that talk to people, workers that run crews, Redis between them."""
