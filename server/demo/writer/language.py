"""The languages the demo model writes: phrases as data in `languages/*.json`, one file for each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final


@dataclass(frozen=True, slots=True)
class Language:
    """One language: its phrases by key, its lists by key, and a note if another language was asked for."""

    code: str
    phrases: Mapping[str, str]
    lists: Mapping[str, tuple[str, ...]]
    asked: str = ""

    def say(self, key: str, **values: object) -> str:
        """Return the phrase `key` with its placeholders filled in."""
        return self.phrases[key].format(**values)

    def item(self, key: str, index: int) -> str:
        """Return entry `index` of the list `key`, starting over at its end."""
        entries = self.lists[key]
        return entries[index % len(entries)]


def _load(code: str) -> Language:
    data = json.loads(files(__package__).joinpath("languages", f"{code}.json").read_text("utf-8"))
    return Language(code, data["phrases"], {key: tuple(entries) for key, entries in data["lists"].items()})


LANGUAGES: Final[Mapping[str, Language]] = {code: _load(code) for code in ("en", "id")}

_NAMES: Final = {
    "": "en",
    "the same language as the user's message": "en",  # nobody chose; the model cannot tell
    "en": "en",
    "english": "en",
    "inggris": "en",
    "bahasa inggris": "en",
    "id": "id",
    "indonesian": "id",
    "indonesia": "id",
    "bahasa": "id",
    "bahasa indonesia": "id",
}


def language_for(name: str) -> Language:
    """Return the language that a person named: English, with `asked` set, for one the demo model does not write."""
    cleaned = " ".join(name.split())
    # "en-GB", "id_ID", "English (UK)": the part before says enough.
    key = cleaned.lower().replace("_", "-").split("-")[0].split("(")[0].strip()
    if key in _NAMES:
        return LANGUAGES[_NAMES[key]]
    english = LANGUAGES["en"]
    return Language(english.code, english.phrases, english.lists, asked=cleaned)
