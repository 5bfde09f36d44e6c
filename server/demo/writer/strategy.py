"""The strategy: the approved plan, the mood and the trends, joined into what happens next."""

from dataclasses import replace

from server.demo.writer.approved import Approved, approved_plan, valued_rows
from server.demo.writer.brief import MOST_CREATORS, MOST_WEEKS, Campaign, campaign_from
from server.demo.writer.document import bullets, document, section, table
from server.demo.writer.feedback import difference, revise
from server.demo.writer.language import LANGUAGES, Language
from server.demo.writer.prompt import Prompt
from server.demo.writer.revision import replay

Rows = list[tuple[str, int]]


def write(prompt: Prompt) -> str:
    """Write the strategy for the plan as it stands in the context, edits by people included."""
    say, language = prompt.language.say, prompt.language
    plan = approved_plan(prompt)
    mood, trends = _mood(prompt), _trends(prompt)
    revisions = replay(_campaign(prompt, plan), prompt.feedback, language, revise, difference)
    campaign = revisions.state
    body = [
        f"> {say('builds_on', title=plan.title)}",
        "",
        say("in_one_sentence", count=len(campaign.handles), weeks=campaign.weeks, trend=_first(trends, language)),
        "",
        *section(say("who_does_what"), _tasks(campaign, trends, language)),
    ]
    if mood:
        body += section(say("answer_the_mood"), [say("mood_counts", **mood), "", say("mood_answer", **mood)])
    if not campaign.short:
        body += section(say("milestones"), _milestones(campaign, language))
    body += section(say("first_steps"), _steps(campaign, revisions.notes, language))
    return document(say("strategy_title", title=plan.title), body, revisions, language)


def _campaign(prompt: Prompt, plan: Approved) -> Campaign:
    """Take people and weeks from the plan; the brief answers only for what the plan does not show."""
    brief = campaign_from(prompt.brief, prompt.language)
    return replace(
        brief,
        handles=plan.handles[:MOST_CREATORS] or brief.handles,
        weeks=min(plan.weeks, MOST_WEEKS) or brief.weeks,
    )


def _mood(prompt: Prompt) -> dict[str, int]:
    """Return the shares of the moods by key, from any of the outputs before; empty if none has all three."""
    shares = {name.lower(): value for part in prompt.context[1:] for name, value in valued_rows(part)}
    for language in LANGUAGES.values():
        names = {key: language.say(key).lower() for key in ("positive", "neutral", "negative")}
        if all(name in shares for name in names.values()):
            return {key: shares[name] for key, name in names.items()}
    return {}


def _trends(prompt: Prompt) -> Rows:
    moods = {language.say(key) for language in LANGUAGES.values() for key in ("positive", "neutral", "negative")}
    rows = [row for part in prompt.context[1:] for row in valued_rows(part) if row[0] not in moods]
    return sorted(rows, key=lambda row: -row[1])


def _first(trends: Rows, language: Language) -> str:
    return trends[0][0] if trends else language.say("what_people_ask")


def _tasks(campaign: Campaign, trends: Rows, language: Language) -> list[str]:
    strong = [name for name, _ in trends[:3]] or [language.say("what_people_ask")]
    rows = [
        (handle, strong[index % len(strong)], language.item("tasks", index), language.item("measures", index))
        for index, handle in enumerate(campaign.handles)
    ]
    return table([language.say(key) for key in ("creator", "trend", "task", "measure")], rows)


def _milestones(campaign: Campaign, language: Language) -> list[str]:
    marks = {1: "milestone_start", campaign.weeks: "milestone_end", (campaign.weeks + 1) // 2: "milestone_middle"}
    if campaign.weeks == 1:
        marks = {1: "milestone_end"}
    return bullets(language.say(key, week=week) for week, key in sorted(marks.items()))


def _steps(campaign: Campaign, notes: tuple[str, ...], language: Language) -> list[str]:
    steps = [step.format(lead=campaign.handles[0]) for step in language.lists["first_steps"]]
    return [f"{n}. {step}" for n, step in enumerate([*steps, *notes], 1)]
