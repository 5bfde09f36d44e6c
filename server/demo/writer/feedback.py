"""What a person's feedback does to a campaign, and how to say it."""

import re
from dataclasses import replace

from server.demo.writer.brief import HANDLE, MOST_CREATORS, MOST_WEEKS, Campaign, cast_of, channels_in, within
from server.demo.writer.language import Language
from server.demo.writer.numbers import CREATORS, WORD, creators_asked, value_of, weeks_in

_AMOUNT = rf"(?:({WORD}|an?)\s+)?"
_MORE = re.compile(
    rf"\b{_AMOUNT}(?:more|additional|extra|another)\s+{CREATORS}|\badd\s+{_AMOUNT}(?:more\s+)?{CREATORS}"
    rf"|\btambah(?:kan)?\s+{_AMOUNT}{CREATORS}",
    re.IGNORECASE,
)
_FEWER = re.compile(
    rf"\b{_AMOUNT}(?:fewer|less)\s+{CREATORS}|\b(?:drop|remove|kurangi|hapus)\s+{_AMOUNT}{CREATORS}", re.IGNORECASE
)
SHORTER = re.compile(r"\b(?:shorter|short|briefer|concise|ringkas|singkat|lebih pendek)\b", re.IGNORECASE)
_WITHOUT = r"\b(?:no|not|without|drop|remove|skip|tanpa|jangan|hapus|bukan)\s+(?:the\s+|pakai\s+)?"
_ONLY = re.compile(r"\b(?:only|just|hanya|cukup)\b", re.IGNORECASE)


def revise(campaign: Campaign, feedback: str) -> Campaign:
    """Return what one piece of feedback makes of a campaign; the same campaign if it asks for nothing known."""
    weeks = weeks_in(feedback)
    return replace(
        campaign,
        handles=_handles(campaign.handles, feedback),
        weeks=within(weeks, MOST_WEEKS) if weeks else campaign.weeks,
        channels=channels_after(campaign.channels, feedback),
        short=campaign.short or bool(SHORTER.search(feedback)),
    )


def difference(before: Campaign, after: Campaign, language: Language) -> str:
    """Say what changed between two rounds, without a full stop; "" if nothing did."""
    said = []
    if len(before.handles) != len(after.handles):
        said.append(language.say("creators_now", new=len(after.handles), old=len(before.handles)))
    elif before.handles != after.handles:
        said.append(language.say("people_now", people=", ".join(after.handles)))
    if before.weeks != after.weeks:
        said.append(language.say("weeks_now", new=after.weeks, old=before.weeks))
    if before.channels != after.channels:
        said.append(language.say("channels_now", channels=", ".join(after.channels)))
    if before.short != after.short:
        said.append(language.say("shorter_now"))
    return "; ".join(said)


def _handles(handles: tuple[str, ...], feedback: str) -> tuple[str, ...]:
    named = HANDLE.findall(feedback)
    leaving = [handle for handle in named if handle in handles]
    joining = [handle for handle in named if handle not in handles]
    if leaving and joining:
        swap = dict(zip(leaving, joining, strict=False))
        handles = tuple(swap.get(handle, handle) for handle in handles)
    elif joining:
        handles = (*handles, *joining)
    elif leaving and _removes(leaving[0], feedback):
        handles = tuple(handle for handle in handles if handle not in leaving) or handles
    return cast_of(handles, _count(len(handles), feedback))


def _count(now: int, feedback: str) -> int:
    for pattern, sign in ((_MORE, 1), (_FEWER, -1)):
        if match := pattern.search(feedback):
            amount = next((group for group in match.groups() if group), "one")
            return within(now + sign * value_of(amount), MOST_CREATORS)
    asked = creators_asked(feedback)
    return now if asked is None else asked


def channels_after(channels: tuple[str, ...], feedback: str) -> tuple[str, ...]:
    """Return the platforms that remain or join after feedback: never none."""
    named = channels_in(feedback)
    dropped = tuple(channel for channel in named if _removes(channel, feedback))
    added = tuple(channel for channel in named if channel not in dropped)
    if added and _ONLY.search(feedback):
        return added
    kept = tuple(channel for channel in channels if channel not in dropped)
    return tuple(dict.fromkeys((*kept, *added))) or channels


def _removes(name: str, feedback: str) -> bool:
    return bool(re.search(_WITHOUT + re.escape(name), feedback, re.IGNORECASE))
