"""Which model the demo crew runs on, told from the environment alone (no CrewAI import, so any process may ask).

The names are those that CrewAI 1.15 reads: utilities/llm_utils.py for the default model, llm.py for how a model
name leads to a provider, and llms/providers/* for the keys.
"""

from collections.abc import Mapping
from typing import Final

_MODEL_VARIABLES: Final = ("MODEL", "MODEL_NAME", "OPENAI_MODEL_NAME")
_DEFAULT_PROVIDER: Final = "openai"

# Prefixes of a bare model name from which CrewAI infers a provider other than its default.
_INFERRED: Final = {"claude": "anthropic", "gemini-": "gemini", "gemma-": "gemini", "learnlm-": "gemini"}

# Any one of the variables is enough; none at all means that the provider asks for no key.
_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "claude": ("ANTHROPIC_API_KEY",),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_CLOUD_PROJECT"),
    "google": ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_CLOUD_PROJECT"),
    "azure": ("AZURE_API_KEY", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"),
    "azure_openai": ("AZURE_API_KEY", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"),
    "bedrock": ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ROLE_ARN", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
    "aws": ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ROLE_ARN", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
    "snowflake": ("SNOWFLAKE_PAT", "SNOWFLAKE_TOKEN", "SNOWFLAKE_JWT"),
    "hosted_vllm": (),
    "huggingface": ("HF_TOKEN", "HUGGINGFACE_API_KEY"),
    "nvidia_nim": ("NVIDIA_NIM_API_KEY",),
    "ollama": (),
    "ollama_chat": (),
    "watson": ("WATSONX_APIKEY",),
    "watsonx": ("WATSONX_APIKEY",),
}


def demo_model_in_use(environ: Mapping[str, str]) -> bool:
    """Say whether the demo crew would run on its offline model, because no key for a real one is set."""
    keys = keys_for(environ)
    return bool(keys) and not any(environ.get(key, "").strip() for key in keys)


def model_in_words(environ: Mapping[str, str]) -> str:
    """Say in one sentence which model the demo crew runs on, and how to change it; never contains a key."""
    model = model_name(environ)
    if not demo_model_in_use(environ):
        return f"The demo crew runs on {model or 'the default model of CrewAI'}."
    needed = " or ".join(keys_for(environ))
    for_model = f" for {model}" if model else ""
    return f"The demo crew runs on its offline demo model: set {needed}{for_model} to use a real one."


def model_name(environ: Mapping[str, str]) -> str:
    """Return the model that the environment names for CrewAI; "" leaves it to CrewAI's default."""
    return next((environ[name] for name in _MODEL_VARIABLES if environ.get(name)), "")


def provider_of(model: str) -> str:
    """Return the provider that CrewAI takes a model name to mean; OpenAI when it says nothing else."""
    prefix, slash, _ = model.lower().partition("/")
    if slash:
        return prefix
    if "anthropic." in prefix:
        return "bedrock"
    return next((name for start, name in _INFERRED.items() if prefix.startswith(start)), _DEFAULT_PROVIDER)


def keys_for(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables of which one must be set for the named model; empty if its provider asks for none."""
    provider = provider_of(model_name(environ))
    return _KEYS.get(provider, (f"{provider.upper()}_API_KEY",))
