"""The content plan: who says what, where, in which week."""

from server.demo.writer.brief import MOST_CREATORS, Campaign, campaign_from
from server.demo.writer.document import bullets, document, section, table
from server.demo.writer.feedback import difference, revise
from server.demo.writer.language import Language
from server.demo.writer.numbers import creators_in
from server.demo.writer.prompt import Prompt
from server.demo.writer.revision import replay


def write(prompt: Prompt) -> str:
    """Write a content plan from the brief and all rounds of feedback."""
    say, language = prompt.language.say, prompt.language
    revisions = replay(campaign_from(prompt.brief, language), prompt.feedback, language, revise, difference)
    campaign = revisions.state
    body = [
        *_opening(prompt, campaign),
        *section(say("creators"), _creators(campaign, language)),
        *section(say("schedule"), _schedule(campaign, language)),
        *section(say("rules"), bullets([*_rules(campaign, language), *revisions.notes])),
    ]
    return document(campaign.title, body, revisions, language)


def _opening(prompt: Prompt, campaign: Campaign) -> list[str]:
    say = prompt.language.say
    lines = [f"> {' '.join(prompt.brief.split())}", ""] if prompt.brief.strip() else []
    idea = say("idea", count=len(campaign.handles), weeks=campaign.weeks, channels=_listed(campaign, prompt.language))
    lines += [idea, ""]
    if (creators_in(prompt.brief) or 0) > MOST_CREATORS:
        lines += [say("too_many", most=MOST_CREATORS), ""]
    return lines


def _listed(campaign: Campaign, language: Language) -> str:
    *first, last = campaign.channels
    return f"{', '.join(first)} {language.say('and')} {last}" if first else last


def _creators(campaign: Campaign, language: Language) -> list[str]:
    header = [language.say(key) for key in ("creator", "part", "platform", "format", "posts")]
    rows = []
    for index, handle in enumerate(campaign.handles):
        channel = campaign.channels[index % len(campaign.channels)]
        part = language.item("parts", index)
        rows.append((handle, part, channel, language.phrases[f"format_{channel.lower()}"], _posts(campaign, index)))
    return table(header, rows)


def _posts(campaign: Campaign, index: int) -> int:
    """Count the weeks in which a creator leads, and one supporting post for every second week."""
    leads = sum(week % len(campaign.handles) == index for week in range(campaign.weeks))
    return leads + max(1, campaign.weeks // 2)


def _schedule(campaign: Campaign, language: Language) -> list[str]:
    keys = ("week", "theme", "leads") if campaign.short else ("week", "theme", "leads", "goes_out")
    rows = []
    for week in range(campaign.weeks):
        row = [week + 1, _theme(week, campaign.weeks, language), campaign.handles[week % len(campaign.handles)]]
        rows.append(row if campaign.short else [*row, language.item("goes_out", week)])
    return table([language.say(key) for key in keys], rows)


def _theme(week: int, weeks: int, language: Language) -> str:
    """Name a week; the last one always closes the campaign."""
    return language.say("last_theme") if week == weeks - 1 and weeks > 1 else language.item("themes", week)


def _rules(campaign: Campaign, language: Language) -> tuple[str, ...]:
    rules = language.lists["rules"]
    return rules[:2] if campaign.short else rules
