"""The trend research: what the lookup returned, and which of it fits the plan."""

from dataclasses import dataclass, replace

from server.demo.trend_table import named_topic, topic_for
from server.demo.writer.approved import Approved, approved_plan, valued_rows
from server.demo.writer.document import bullets, document, section
from server.demo.writer.feedback import SHORTER
from server.demo.writer.language import Language
from server.demo.writer.prompt import Prompt
from server.demo.writer.revision import replay

_TOPIC_LINE = "Topic: "


@dataclass(frozen=True, slots=True)
class Search:
    """What was looked up, and how much is said about it."""

    topic: str
    short: bool = False


def topic_to_look_up(prompt: Prompt) -> str:
    """Return the topic for the lookup: the newest one that feedback names, or the one the brief and plan hint at."""
    return _last_search(prompt).topic


def write(prompt: Prompt) -> str:
    """Write a trend research from what the lookup tool returned (`prompt.found`)."""
    say, language = prompt.language.say, prompt.language
    plan, found = approved_plan(prompt), prompt.found or ""
    revisions = replay(_first_search(prompt), prompt.feedback, language, _revise, _difference)
    rows = sorted(valued_rows(found), key=lambda row: -row[1])
    body = _ranking(rows, found, language)
    if rows and not revisions.state.short:
        body += section(say("how_to_use"), bullets(_uses(rows, plan, language)))
    if len(rows) > 1:
        body += section(say("leave_out"), [say("leave_out_why", trend=rows[-1][0])])
    if revisions.notes:
        body += section(say("also_weighed"), bullets(revisions.notes))
    return document(say("trends_title", title=plan.title), body, revisions, language)


def _first_search(prompt: Prompt) -> Search:
    return Search(topic_for(f"{prompt.brief}\n{approved_plan(prompt).title}").name)


def _last_search(prompt: Prompt) -> Search:
    return replay(_first_search(prompt), prompt.feedback, prompt.language, _revise, _difference).state


def _revise(search: Search, feedback: str) -> Search:
    topic = named_topic(feedback)
    return replace(
        search, topic=topic.name if topic else search.topic, short=search.short or bool(SHORTER.search(feedback))
    )


def _difference(before: Search, after: Search, language: Language) -> str:
    said = [language.say("topic_now", new=after.topic, old=before.topic)] if before.topic != after.topic else []
    return "; ".join([*said, *([language.say("shorter_now")] if before.short != after.short else [])])


def _ranking(rows: list[tuple[str, int]], found: str, language: Language) -> list[str]:
    if not rows:
        why = " ".join(found.split()) or language.say("not_asked")
        return [language.say("no_trends", why=why), ""]
    first = found.splitlines()[0]
    topic = first.removeprefix(_TOPIC_LINE) if first.startswith(_TOPIC_LINE) else language.say("the_subject")
    bars = ["```bars", *(f"{name} | {value}" for name, value in rows), "```"]
    return [language.say("trends_opening", topic=topic, count=len(rows)), "", *bars, ""]


def _uses(rows: list[tuple[str, int]], plan: Approved, language: Language) -> list[str]:
    people = plan.handles or (language.say("the_creators"),)
    entries = []
    for index, (name, value) in enumerate(rows[:3]):
        use = language.say("use", who=people[index % len(people)], how=language.item("uses", index))
        entries.append(f"**{name}** ({value}): {use}")
    return entries
