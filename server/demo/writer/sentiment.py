"""The sentiment analysis: how people will feel about the plan, in shares that make 100."""

import re
from dataclasses import dataclass, replace

from server.demo.writer.approved import Approved, approved_plan
from server.demo.writer.brief import CHANNELS, campaign_from
from server.demo.writer.document import bullets, document, section, seed_of, table
from server.demo.writer.feedback import SHORTER, channels_after
from server.demo.writer.language import Language
from server.demo.writer.prompt import Prompt
from server.demo.writer.revision import replay

_DARKER = re.compile(
    r"\b(?:too (?:positive|rosy|optimistic)|more (?:critical|negative|careful)|less (?:positive|rosy|optimistic)"
    r"|terlalu (?:positif|optimis)|lebih (?:kritis|negatif|hati-hati))\b",
    re.IGNORECASE,
)
_BRIGHTER = re.compile(
    r"\b(?:too (?:negative|critical|gloomy)|more (?:positive|optimistic)|less (?:negative|critical|gloomy)"
    r"|terlalu (?:negatif|kritis)|lebih (?:positif|optimis))\b",
    re.IGNORECASE,
)
_STEP = 9
_LEAST, _MOST = 30, 80


@dataclass(frozen=True, slots=True)
class Mood:
    """The expected reaction: shares in percent, where it was looked for, and how much is said about it."""

    positive: int
    negative: int
    channels: tuple[str, ...]
    short: bool = False

    @property
    def neutral(self) -> int:
        """What is neither positive nor negative, in percent."""
        return 100 - self.positive - self.negative


def write(prompt: Prompt) -> str:
    """Write a sentiment analysis of the plan in the context."""
    say, language = prompt.language.say, prompt.language
    plan = approved_plan(prompt)
    revisions = replay(_first_mood(prompt, plan), prompt.feedback, language, _revise, _difference)
    mood = revisions.state
    body = [
        say("mood_opening", title=plan.title, channels=", ".join(mood.channels)),
        "",
        *table([say("mood"), say("share")], zip(_names(language), _shares(mood), strict=True)),
        "",
    ]
    if not mood.short:
        body += section(say("drives"), bullets(_drives(plan, language)))
    body += section(say("doubt"), _doubt(plan, language))
    if revisions.notes:
        body += section(say("also_weighed"), bullets(revisions.notes))
    return document(say("mood_title", title=plan.title), body, revisions, language)


def _first_mood(prompt: Prompt, plan: Approved) -> Mood:
    seed = seed_of(plan.title)
    channels = tuple(channel for channel in CHANNELS if any(channel in part for part in prompt.context[:1]))
    return Mood(52 + seed % 17, 8 + seed // 17 % 8, channels or campaign_from(prompt.brief, prompt.language).channels)


def _revise(mood: Mood, feedback: str) -> Mood:
    shift = _STEP * (bool(_BRIGHTER.search(feedback)) - bool(_DARKER.search(feedback)))
    return replace(
        mood,
        positive=max(_LEAST, min(_MOST, mood.positive + shift)),
        negative=max(3, min(40, mood.negative - shift // 2)),
        channels=channels_after(mood.channels, feedback),
        short=mood.short or bool(SHORTER.search(feedback)),
    )


def _difference(before: Mood, after: Mood, language: Language) -> str:
    said = []
    if before.positive != after.positive:
        said.append(language.say("positive_now", new=after.positive, old=before.positive))
    if before.channels != after.channels:
        said.append(language.say("channels_now", channels=", ".join(after.channels)))
    if before.short != after.short:
        said.append(language.say("shorter_now"))
    return "; ".join(said)


def _names(language: Language) -> list[str]:
    return [language.say(key) for key in ("positive", "neutral", "negative")]


def _shares(mood: Mood) -> list[str]:
    return [f"{share}%" for share in (mood.positive, mood.neutral, mood.negative)]


def _drives(plan: Approved, language: Language) -> list[str]:
    lead = plan.handles[0] if plan.handles else language.say("the_creators")
    return [
        f"**{name}.** {language.say(key, lead=lead)}"
        for name, key in zip(_names(language), ("drives_positive", "drives_neutral", "drives_negative"), strict=True)
    ]


def _doubt(plan: Approved, language: Language) -> list[str]:
    index = seed_of(plan.title)
    return [f"> {language.item('doubts', index)}", "", language.item("answers", index)]
