"""Reading a campaign brief: what it is for, how it is named, and how large it is."""

import json
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from server.demo.writer.language import Language
from server.demo.writer.numbers import CREATORS, creators_in, weeks_in

PEOPLE: Final[tuple[str, ...]] = tuple(json.loads(files(__package__).joinpath("people.json").read_text("utf-8")))
"""Made-up creators, by handle, in the order in which a plan takes them."""

CHANNELS: Final = ("Instagram", "TikTok", "YouTube", "Facebook", "Threads", "LinkedIn", "Pinterest", "Twitch")
MOST_CREATORS: Final = len(PEOPLE)
MOST_WEEKS: Final = 12
_DEFAULT_CREATORS, _DEFAULT_WEEKS = 3, 4

HANDLE: Final = re.compile(r"(?<![\w.@])@\w[\w.]*\w")
_QUOTED = re.compile(r"[\"“«]([^\"”»\n]{2,48})[\"”»]")
_SUBJECT_FIELD = re.compile(
    r"^\W*(?:brand|merek|client|klien|product|produk)\W*:\s*(.+)$", re.IGNORECASE | re.MULTILINE
)
_THEME_FIELD = re.compile(r"^\W*(?:campaign|kampanye|theme|tema)\W*:\s*(.+)$", re.IGNORECASE | re.MULTILINE)
_FOR = re.compile(
    r"\b(?:for|untuk|bagi)\s+(?:(?:a|an|the|our|my|sebuah)\s+)?(.+?)"
    r"(?=$|[,;:!?()\n]|\.(?:\s|$)|\s(?:with|by|using|featuring|in|on|over|during|across|through|that|which"
    r"|selama|dengan|oleh|di|pada|dalam|melalui|yang|untuk|for)\b)",
    re.IGNORECASE,
)
_THEME = re.compile(r"((?:[\w'\u2019&-]+\s+){1,3})campaign\b", re.IGNORECASE)
_TEMA = re.compile(r"\bkampanye\s+((?:(?!untuk\b|dengan\b|selama\b|bagi\b)[\w'\u2019&-]+\s*){1,3})", re.IGNORECASE)
# Words before "campaign" that are no part of its name.
_PLAIN_WORD = re.compile(
    r"an?|the|our|my|new|plan|create|make|write|build|prepare|design|run|please|for|of|and|with|content|marketing"
    r"|social|media|creators?|influencer|weeks?|months?|days?|konten|pemasaran|kreator|sosial|buat|rencana|sebuah"
    r"|baru|kami|saya|yang|\d+",
    re.IGNORECASE,
)
_LONGEST_NAME = 48


@dataclass(frozen=True, slots=True)
class Campaign:
    """What a brief asks for, and what revisions made of it."""

    title: str
    handles: tuple[str, ...]
    weeks: int
    channels: tuple[str, ...]
    short: bool = False


def campaign_from(brief: str, language: Language) -> Campaign:
    """Read a brief of any form; what it does not say gets a default (three creators, four weeks)."""
    asked = creators_in(brief)
    named = tuple(dict.fromkeys(HANDLE.findall(brief)))
    count = asked if asked is not None else len(named) or _DEFAULT_CREATORS
    return Campaign(
        title=title_of(brief, language),
        handles=cast_of(named, count),
        weeks=within(weeks_in(brief) or _DEFAULT_WEEKS, MOST_WEEKS),
        channels=channels_in(brief) or CHANNELS[:3],
    )


def within(number: int, most: int) -> int:
    """Keep a number between one and `most`."""
    return max(1, min(number, most))


def cast_of(first: tuple[str, ...], count: int) -> tuple[str, ...]:
    """Return `count` handles (1 to `MOST_CREATORS`): those in `first`, then made-up ones."""
    return tuple(dict.fromkeys((*first, *PEOPLE)))[: within(count, MOST_CREATORS)]


def channels_in(text: str) -> tuple[str, ...]:
    """Return the platforms that a text names, in the order of `CHANNELS`."""
    return tuple(channel for channel in CHANNELS if re.search(rf"\b{channel}\b", text, re.IGNORECASE))


def subject_of(brief: str, language: Language) -> str:
    """Return who or what a brief is about: a brand, a product, or its own first words."""
    for candidate in _subjects(brief):
        if (name := _tidy(candidate)) and not re.search(rf"\b{CREATORS}\b", name, re.IGNORECASE):
            return name[0].upper() + name[1:]
    return language.say("your_brand")


def title_of(brief: str, language: Language) -> str:
    """Name the campaign of a brief, such as "Coffee brand: Ramadan campaign"."""
    theme, subject = _theme(brief), subject_of(brief, language)
    return (
        language.say("title", subject=subject, theme=theme) if theme else language.say("plain_title", subject=subject)
    )


def _subjects(brief: str) -> list[str]:
    fields = [match[1] for match in _SUBJECT_FIELD.finditer(brief)]
    quoted = [match[1] for match in _QUOTED.finditer(brief)]
    named = [match[1] for match in _FOR.finditer(brief)]
    first = " ".join(re.split(r"[.,;:!?\n]", brief, maxsplit=1)[0].split()[:6])
    return [*fields, *quoted, *named, first]


def _theme(brief: str) -> str:
    if field := _THEME_FIELD.search(brief):
        return _tidy(field[1])
    match = _TEMA.search(brief) or _THEME.search(brief)
    words = match[1].split() if match else []
    return _tidy(" ".join(word for word in words if not _PLAIN_WORD.fullmatch(word)))


def _tidy(name: str) -> str:
    """Make a name fit for a headline: one line, no markdown, at most `_LONGEST_NAME` characters."""
    name = re.sub(r"[*_`#|<>\[\]\"“”]", "", " ".join(name.split())).strip(" .,;:-")
    return name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME].rsplit(" ", 1)[0] + "…"
