"""Small numbers in English and Indonesian prose, as digits or as words."""

import re
from typing import Final

_ENGLISH = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_INDONESIAN = ["satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan", "sepuluh", "sebelas"]
_VALUES: Final = {
    **{word: value for value, word in enumerate(_ENGLISH, 1)},
    **{word: value for value, word in enumerate(_INDONESIAN, 1)},
    "dua belas": 12,
    "seorang": 1,
    "sebuah": 1,
    "a": 1,
    "an": 1,
    "another": 1,
}

WORD: Final = r"(?:\d{1,3}|dua belas|seorang|" + "|".join([*_ENGLISH, *_INDONESIAN]) + ")"
"""A regular expression for a number; what it matches is for `value_of`."""

CREATORS: Final = (
    r"(?:content\s+creators?|creators?|influencers?|konten\s+kreator|kreator(?:\s+konten)?|pembuat\s+konten|influenser)"
)
"""A regular expression for the people a campaign is planned for."""

_UNIT = r"(?:weeks?|minggu|pekan|months?|bulan|days?|hari|posts?|videos?|%|percent|persen|with|for|dengan|untuk)"
_BETWEEN = rf"(?:(?!{_UNIT}\b)[\w-]+\s+){{0,2}}?"
_NEGATED = re.compile(rf"\b(?:not|instead of|rather than|bukan|daripada)\s+{WORD}\b(?:\s+{CREATORS})?", re.IGNORECASE)
_COUNTED = re.compile(rf"\b({WORD})\s+{_BETWEEN}{CREATORS}\b", re.IGNORECASE)
_FIELD = re.compile(rf"\b{CREATORS}\s*[:=]\s*({WORD})\b", re.IGNORECASE)
_BARE = re.compile(
    rf"(?:^|\b(?:only|just|but|make it|hanya|cukup|jadi|tapi|melainkan)\s+)({WORD})"
    r"(?=\s*(?:$|[,.;!?]|please\b|instead\b|is enough\b|saja\b|aja\b))",
    re.IGNORECASE,
)
_WEEKS = re.compile(rf"\b({WORD}|a|an)[\s-]+(?:weeks?|minggu|pekan)\b", re.IGNORECASE)
_MONTHS = re.compile(rf"\b({WORD}|a|an)[\s-]+(?:months?|bulan)\b", re.IGNORECASE)
_ONE_UNIT = {"seminggu": 1, "sepekan": 1, "sebulan": 4}


def value_of(word: str) -> int:
    """Return the number that a match of `WORD` stands for."""
    return int(word) if word.isdigit() else _VALUES[re.sub(r"\s+", " ", word.lower())]


def creators_in(text: str) -> int | None:
    """Return how many creators a brief asks for, or None if it does not say ("not three" does not count)."""
    match = _COUNTED.search(text := _NEGATED.sub(" ", text)) or _FIELD.search(text)
    return value_of(match[1]) if match else None


def creators_asked(feedback: str) -> int | None:
    """Return how many creators a person's feedback asks for: like `creators_in`, but "make it two" counts too."""
    if (counted := creators_in(feedback)) is not None:
        return counted
    match = _BARE.search(_NEGATED.sub(" ", feedback).strip())
    return value_of(match[1]) if match else None


def weeks_in(text: str) -> int | None:
    """Return how many weeks a text asks for (a month is four), or None if it does not say."""
    text = _NEGATED.sub(" ", text)
    if match := _WEEKS.search(text):
        return value_of(match[1].lower())
    if match := _MONTHS.search(text):
        return 4 * value_of(match[1].lower())
    return next((weeks for word, weeks in _ONE_UNIT.items() if word in text.lower()), None)
