"""What `crewai run` starts; nothing of it is needed here."""

raise RuntimeError("Quarterdeck runs the crew itself.")
