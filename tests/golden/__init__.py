"""One example of every frame, for the tests of every language that reads them."""
