"""No telemetry, no traces, no panels: what must be said to crewai before it is imported for the first time."""

import logging
import os
import warnings

#: Opt-outs that crewai reads, most of them once, when it is imported.
OPT_OUTS = {
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_DISABLE_TRACKING": "true",
    "CREWAI_DISABLE_VERSION_CHECK": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "CREWAI_TESTING": "true",  # no files about the last run, no question whether to see its trace
}
#: Loggers of crewai and below it that speak about every call.
CHATTY = ("crewai", "crewai_core", "httpx", "openai")


def silence() -> None:
    """Opt out of everything that crewai sends or prints. Does not import crewai; harmless when repeated."""
    os.environ.update(OPT_OUTS)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"crewai(\.|$)")
    warnings.filterwarnings("ignore", message=r".*will prevent checkpointing.*", category=UserWarning)
