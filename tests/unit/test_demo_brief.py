"""What the offline demo model understands of a brief and of feedback."""

import pytest

from server.demo.writer.brief import CHANNELS, MOST_CREATORS, PEOPLE, Campaign, campaign_from, cast_of
from server.demo.writer.feedback import difference, revise
from server.demo.writer.language import LANGUAGES, language_for
from server.demo.writer.numbers import creators_asked, creators_in, weeks_in

ENGLISH, INDONESIAN = LANGUAGES["en"], LANGUAGES["id"]
START = Campaign("Kopi: launch", PEOPLE[:3], 4, CHANNELS[:3])


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Ramadan campaign for a coffee brand, 3 creators", 3),
        ("two creators please", 2),
        ("work with five young food influencers", 5),
        ("kampanye dengan tiga kreator", 3),
        ("dua orang kreator", 2),
        ("dua belas konten kreator", 12),
        ("Creators: 7", 7),
        ("not three creators but two", None),
        ("over 4 weeks with creators", None),
        ("a campaign for creators", None),
        ("", None),
    ],
)
def test_a_brief_says_how_many_creators(text: str, count: int | None) -> None:
    assert creators_in(text) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Two creators, not three", 2),
        ("not three creators but two", 2),
        ("Make it two", 2),
        ("two, not three", 2),
        ("dua saja", 2),
        ("hanya dua kreator, bukan tiga", 2),
        ("One more thing: be funnier", None),
        ("Only 2 weeks", None),
        ("Be funnier", None),
    ],
)
def test_feedback_says_how_many_creators(text: str, count: int | None) -> None:
    assert creators_asked(text) == count


@pytest.mark.parametrize(
    ("text", "weeks"),
    [
        ("for six weeks", 6),
        ("a 3-week sprint", 3),
        ("selama dua minggu", 2),
        ("two months", 8),
        ("sebulan penuh", 4),
        ("a week of posts", 1),
        ("3 creators", None),
    ],
)
def test_a_text_says_how_many_weeks(text: str, weeks: int | None) -> None:
    assert weeks_in(text) == weeks


@pytest.mark.parametrize(
    ("brief", "title"),
    [
        ("Ramadan campaign for a coffee brand, 3 creators", "Coffee brand: Ramadan campaign"),
        ('Plan a summer launch campaign for "Teh Manis" with 4 influencers', "Teh Manis: summer launch campaign"),
        ("Brand: Kopi Senja\nProduct: cold brew\nCreators: 2", "Kopi Senja: creator campaign"),
        ("Campaign: Back to school\nBrand: **Buku Kita**", "Buku Kita: Back to school campaign"),
        ("skincare", "Skincare: creator campaign"),
        ("", "Your brand: creator campaign"),
    ],
)
def test_a_campaign_is_named_after_its_brief(brief: str, title: str) -> None:
    assert campaign_from(brief, ENGLISH).title == title


def test_an_indonesian_brief_is_read_too() -> None:
    campaign = campaign_from("Kampanye Lebaran untuk Sambal Bu Tini dengan dua orang kreator, sebulan", INDONESIAN)
    assert campaign == Campaign("Sambal Bu Tini: kampanye Lebaran", PEOPLE[:2], 4, CHANNELS[:3])


def test_people_and_platforms_that_a_brief_names_are_taken() -> None:
    campaign = campaign_from("A launch on TikTok for Kopi with @mira and @budi.santoso, write to a@b.com", ENGLISH)
    assert (campaign.handles, campaign.channels) == (("@mira", "@budi.santoso"), ("TikTok",))


@pytest.mark.parametrize(("count", "kept"), [(0, 1), (200, MOST_CREATORS)])
def test_a_campaign_has_at_least_one_creator_and_at_most_all(count: int, kept: int) -> None:
    assert len(cast_of((), count)) == kept


@pytest.mark.parametrize(
    ("feedback", "effect"),
    [
        ("Two creators, not three", "Number of creators now 2, was 3"),
        ("Add one more creator", "Number of creators now 4, was 3"),
        ("one creator fewer? no: one fewer creator", "Number of creators now 2, was 3"),
        ("tambah dua kreator", "Number of creators now 5, was 3"),
        (f"{PEOPLE[0]} is ill, take @mira", f"Creators now @mira, {PEOPLE[1]}, {PEOPLE[2]}"),
        (f"please drop {PEOPLE[0]}", "Number of creators now 2, was 3"),
        ("Make it six weeks", "Number of weeks now 6, was 4"),
        ("No TikTok", "Platforms now Instagram, YouTube"),
        ("only LinkedIn", "Platforms now LinkedIn"),
        ("add Threads", "Platforms now Instagram, TikTok, YouTube, Threads"),
        ("Shorter, please", "Cut to the essentials"),
        ("two creators over 6 weeks", "Number of creators now 2, was 3; Number of weeks now 6, was 4"),
        ("More heart", ""),
    ],
)
def test_feedback_changes_the_campaign(feedback: str, effect: str) -> None:
    assert difference(START, revise(START, feedback), ENGLISH) == effect


def test_a_campaign_never_loses_its_last_platform() -> None:
    assert revise(START, "no Instagram, no TikTok, no YouTube").channels == START.channels


@pytest.mark.parametrize("name", ["English", "en-GB", "", "English (UK)"])
def test_english_is_the_default(name: str) -> None:
    assert language_for(name) is ENGLISH


@pytest.mark.parametrize("name", ["Indonesian", "Bahasa Indonesia", "id_ID", " ID "])
def test_indonesian_goes_by_several_names(name: str) -> None:
    assert language_for(name) is INDONESIAN


def test_another_language_is_english_and_remembers_what_was_asked() -> None:
    language = language_for("French")
    assert (language.code, language.asked) == ("en", "French")


def test_every_language_has_the_same_phrases_with_the_same_placeholders() -> None:
    def shape(code: str) -> dict[str, list[str]]:
        return {key: sorted(set(_placeholders(text))) for key, text in LANGUAGES[code].phrases.items()}

    assert shape("en") == shape("id")
    assert {key: len(entries) for key, entries in ENGLISH.lists.items()} == {
        key: len(entries) for key, entries in INDONESIAN.lists.items()
    }


def _placeholders(text: str) -> list[str]:
    return [part.split("}")[0] for part in text.split("{")[1:]]
