"""The demo crew: a campaign for several creators, on any model CrewAI knows or on an offline one."""
