"""How crews are found, configured and described: from what an operator names to something that runs.

`locating` finds the place, `definitions` and `building` make a function that builds a fresh crew or flow there,
`configuration` reads what is said about it, `manifest` tells its version, `loader` puts them together.
"""
