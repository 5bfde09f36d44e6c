"""The rules of webhooks: which addresses, when again, what is signed, what becomes of a delivery."""

import base64
from datetime import UTC, datetime
from email.utils import format_datetime
from ipaddress import ip_address
from typing import get_args

import pytest
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from protocol.errors import Refused
from protocol.frames import timestamp
from protocol.webhooks import USUAL, HookEvent, Webhook
from server.store.writer import HEARD
from server.webhooks import addresses, platform, records, schedule, signing
from server.webhooks.addresses import NOTHING, Allow
from server.webhooks.formats import FORMATS
from server.webhooks.records import Outcome, Record
from server.webhooks.subscriptions import Configured, Endpoint, Subscriptions

NOW = 1_795_420_089.12
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True), ("1.1.1.1", True), ("172.15.0.1", True), ("172.32.0.1", True), ("100.128.0.1", True),
        ("223.255.255.255", True), ("0.0.0.0", False), ("0.1.2.3", False), ("10.1.2.3", False), ("100.64.0.1", False),
        ("127.0.0.1", False), ("127.255.0.9", False), ("169.254.169.254", False), ("172.16.0.1", False),
        ("172.31.255.255", False), ("192.0.0.8", False), ("192.0.2.1", False), ("192.168.1.1", False),
        ("198.18.0.1", False), ("198.51.100.7", False), ("203.0.113.9", False), ("224.0.0.1", False),
        ("239.1.1.1", False), ("240.0.0.1", False), ("255.255.255.255", False),
        ("2606:2800:220:1::1", True), ("2a00:1450::5", True), ("::1", False), ("::", False), ("fe80::1", False),
        ("fe80::1%eth0", False), ("fc00::1", False), ("fd12:3456::1", False), ("ff02::1", False),
        ("2001:db8::1", False), ("2001::1", False), ("2002:7f00:1::", False), ("fec0::1", False), ("100::1", False),
        ("::ffff:127.0.0.1", False), ("::ffff:10.0.0.1", False), ("::ffff:93.184.216.34", True),
        ("64:ff9b::7f00:1", False), ("64:ff9b::5db8:d822", True), ("::127.0.0.1", False), ("4000::1", False),
    ],
)  # fmt: skip
def test_what_is_public(address: str, public: bool) -> None:
    assert addresses.is_public(ip_address(address)) is public


@pytest.mark.parametrize(
    ("url", "allowed", "fine"),
    [
        ("https://hooks.example/x?y=1", "", True),
        ("https://hooks.example:8443/", "", True),
        ("HTTPS://HOOKS.EXAMPLE/", "", True),
        ("https://93.184.216.34/", "", True),
        ("https://[2606:2800:220:1::1]/", "", True),
        ("http://hooks.example/", "", False),
        ("http://hooks.example/", "hooks.example", True),
        ("http://hooks.example/", "example", False),
        ("http://a.hooks.example/", ".hooks.example", True),
        ("http://hooks.example/", ".hooks.example", False),
        ("http://10.1.2.3/", "10.0.0.0/8", True),
        ("http://10.1.2.3/", "10.1.2.3", True),
        ("http://11.1.2.3/", "10.0.0.0/8", False),
        ("https://10.1.2.3/", "", False),
        ("https://127.0.0.1/", "", False),
        ("https://[::1]/", "", False),
        ("https://[::1]/", "[::1]", True),
        ("https://[::ffff:127.0.0.1]/", "", False),
        ("https://169.254.169.254/latest/meta-data", "", False),
        ("https://user:secret@hooks.example/", "", False),
        ("https://user@hooks.example/", "", False),
        ("ftp://hooks.example/", "", False),
        ("file:///etc/passwd", "", False),
        ("hooks.example", "", False),
        ("https://", "", False),
        ("https:///path", "", False),
        ("https://hooks.example:0/", "", False),
        ("https://hooks.example:99999/", "", False),
        ("https://hooks.example:port/", "", False),
        ("https://[::1/", "", False),
        ("https://hooks.example/a b", "", False),
        ("https://hooks.example/\r\nx: y", "", False),
        ("https://hööks.example/", "", False),
        ("", "", False),
    ],
)
def test_which_urls_may_be_called(url: str, allowed: str, fine: bool) -> None:
    problem = addresses.problem_of(url, Allow.read(allowed.split(",") if allowed else ()))
    assert (problem is None) is fine
    assert "secret" not in (problem or "")


def test_of_a_hosts_addresses_those_are_called_that_may_be() -> None:
    found = ["10.0.0.1", "93.184.216.34", "::1", "2606:2800:220:1::1", "::ffff:10.0.0.1"]
    assert addresses.callable_among("a.example", found) == ["93.184.216.34", "2606:2800:220:1::1"]
    assert addresses.callable_among("a.example", found, Allow.read(["10.0.0.0/8"])) == [
        "10.0.0.1", "93.184.216.34", "2606:2800:220:1::1",
    ]  # fmt: skip
    assert addresses.callable_among("a.example", found, Allow.read(["A.example"])) == found
    assert addresses.callable_among("a.example", ["127.0.0.1"]) == []


@pytest.mark.parametrize("text", ["10.0.0.0/33", "http://hooks.example", "a b", "*", "hooks.example:80", ""])
def test_what_cannot_be_allowed(text: str) -> None:
    with pytest.raises(ValueError, match=r"host|network|bits"):
        Allow.read([text])


def test_the_schedule_of_standard_webhooks() -> None:
    hour = 3600
    waits = [schedule.delay(tries, 0.0) for tries in range(11)]
    assert waits == [0, 5, 300, 1800, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour, None]
    assert schedule.delay(1, 1.0) == pytest.approx(6)
    assert schedule.delay(9, 0.5) == pytest.approx(24 * hour * 1.1)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0), ("120", 120), (" 7 ", 7), ("999999999999999", 86_400), ("", None), ("soon", None), ("-5", None),
        ("1.5", None), ("٣", None), (format_datetime(datetime.fromtimestamp(NOW + 60, UTC), usegmt=True), 60),
        (format_datetime(datetime.fromtimestamp(NOW - 60, UTC), usegmt=True), 0),
        (format_datetime(datetime.fromtimestamp(NOW + 900_000, UTC), usegmt=True), 86_400),
        ("Wed, 99 Foo 2026 99:99:99 GMT", None), ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
    ],
)  # fmt: skip
def test_retry_after(text: str, seconds: float | None) -> None:
    read = schedule.retry_after(text, NOW)
    assert read == (None if seconds is None else pytest.approx(seconds, abs=1))


def test_a_receiver_can_verify_what_is_signed() -> None:
    body = '{"text":"kopi susu ☕"}'.encode()
    now = datetime.now(UTC).timestamp()
    headers = signing.headers("x_1-7-abc", body, now, SECRET)
    assert Verifier(SECRET).verify(body, headers) == {"text": "kopi susu ☕"}
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(body, {**headers, "webhook-id": "x_1-8-abc"})
    assert set(signing.headers("x", body, now, None)) == {"webhook-id", "webhook-timestamp"}


@pytest.mark.parametrize(
    ("secret", "fine"),
    [
        (SECRET, True), ("whsec_" + base64.b64encode(bytes(64)).decode(), True),
        ("whsec_" + base64.b64encode(bytes(65)).decode(), False),
        ("whsec_" + base64.b64encode(bytes(23)).decode(), False), ("whsec_", False), ("whsec_!!!!", False),
        (SECRET.removeprefix("whsec_"), False), ("whpk_" + base64.b64encode(bytes(32)).decode(), False),
    ],
)  # fmt: skip
def test_secrets(secret: str, fine: bool) -> None:
    problem = signing.problem_of(secret)
    assert (problem is None) is fine
    assert secret.removeprefix("whsec_") == "" or secret.removeprefix("whsec_") not in (problem or "")


@pytest.mark.parametrize(
    ("outcome", "tries", "state", "wait"),
    [
        (Outcome(status=200), 0, "delivered", None),
        (Outcome(status=204), 9, "delivered", None),
        (Outcome(status=199), 0, "pending", 5),
        (Outcome(status=302), 0, "pending", 5),
        (Outcome(status=404), 1, "pending", 300),
        (Outcome(status=410), 0, "disabled", None),
        (Outcome(status=500), 8, "pending", 86_400),
        (Outcome(status=500), 9, "failed", None),
        (Outcome(status=429, retry_after=60), 0, "pending", 60),
        (Outcome(status=503, retry_after=1), 0, "pending", 5),
        (Outcome(error="no answer", seconds=15), 0, "pending", 20),
        (Outcome(error="refused", final=True), 0, "failed", None),
    ],
)
def test_what_becomes_of_a_delivery(outcome: Outcome, tries: int, state: str, wait: float | None) -> None:
    record = records.noted(Record(type="execution.failed", tries=tries), outcome, now=NOW, chance=0.0)
    assert (record.state, record.tries) == (state, tries + 1)
    assert record.due == (None if wait is None else pytest.approx(NOW + wait))
    (attempt,) = record.attempts
    assert (attempt.at, attempt.status, attempt.error) == (timestamp(NOW), outcome.status, outcome.error)


def test_a_second_attempt_takes_back_nothing_that_the_first_has_reached() -> None:
    done = records.noted(Record(type="execution.failed"), Outcome(status=200), now=NOW, chance=0.0)
    late = records.noted(done, Outcome(status=500), now=NOW, chance=0.0)
    assert (late.state, late.due, len(late.attempts)) == ("delivered", None, 2)
    gone = records.noted(done, Outcome(status=410), now=NOW, chance=0.0)
    assert (gone.state, gone.due) == ("delivered", None)
    lost = records.noted(Record(type="execution.failed", tries=9), Outcome(status=500), now=NOW, chance=0.0)
    assert records.noted(lost, Outcome(status=200), now=NOW, chance=0.0).state == "delivered"


def test_the_last_attempts_are_kept() -> None:
    record = Record(type="execution.failed")
    for status in range(500, 500 + 2 * records.KEPT):
        record = records.again(records.noted(record, Outcome(status=status), now=NOW, chance=0.0), now=NOW)
    assert [attempt.status for attempt in record.attempts] == list(range(500 + records.KEPT, 500 + 2 * records.KEPT))
    assert (record.state, record.tries) == ("pending", 0)


def test_a_record_comes_back_as_it_was_kept() -> None:
    record = records.noted(Record(type="execution.failed"), Outcome(status=500), now=NOW, chance=0.3)
    assert records.read(records.written(record)) == record
    assert records.read(b'{"type":"checkpoint.opened"}') == Record(type="checkpoint.opened")  # as a commit writes it
    shown = records.shown("12-xabc", record, "hooks.example", "standard")
    assert (shown.id, shown.offset, shown.endpoint, shown.host) == ("12-xabc", 12, "xabc", "hooks.example")
    assert shown.next_at == timestamp(record.due or 0)


def test_all_that_can_be_asked_for_is_looked_up_by_the_commit() -> None:
    assert set(USUAL) < set(get_args(HookEvent))
    assert set(get_args(HookEvent)) | {event for heard in platform.HEARD.values() for event in heard} == set(HEARD)
    assert set(platform.HEARD) < set(FORMATS)


def test_who_hears_of_what() -> None:
    mine = Endpoint(url="https://mine.example/", events=["execution.failed"], secret=SECRET)
    every = Endpoint(url="https://every.example/", events=["execution.failed", "checkpoint.opened"])
    known = Subscriptions([Configured(endpoint=mine, crews=("a",)), Configured(endpoint=every)])
    brought = known.asked([Webhook(url="https://asked.example/", secret=SECRET, events=["checkpoint.opened"])])
    fields = known.fields("a", brought)
    assert fields["hooks:execution.failed"].decode().split() == [f"c{mine.ident}", f"c{every.ident}"]
    assert fields["hooks:checkpoint.opened"].decode().split() == [f"c{every.ident}", f"x{brought[0].ident}"]
    assert set(fields) == {"hooks:execution.failed", "hooks:checkpoint.opened", f"hook:x{brought[0].ident}"}
    assert known.fields("b")["hooks:execution.failed"] == f"c{every.ident}".encode()
    assert Subscriptions().fields("a") == {}
    assert known.endpoint(f"c{mine.ident}", None) == mine
    assert known.endpoint(f"x{brought[0].ident}", fields[f"hook:x{brought[0].ident}"]) == brought[0]
    assert known.endpoint("cnone", None) is None


def test_a_request_does_not_take_over_an_address_of_the_operators() -> None:
    ours = Endpoint(url="https://audit.example/", events=["execution.failed"], secret=SECRET)
    known = Subscriptions([Configured(endpoint=ours)])
    fields = known.fields("a", known.asked([Webhook(url=ours.url, events=["execution.failed"])]))
    assert fields["hooks:execution.failed"].decode().split() == [f"c{ours.ident}", f"x{ours.ident}"]


@pytest.mark.parametrize("webhook", [Webhook(url="http://a.example/"), Webhook(url="https://a.example/", secret="x")])
def test_a_refusal_names_the_field(webhook: Webhook) -> None:
    with pytest.raises(Refused, match=r"webhooks\[1\]"):
        Subscriptions(allow=NOTHING).asked([Webhook(url="https://b.example/"), webhook])


def test_nothing_secret_is_in_what_is_logged() -> None:
    webhook = Webhook(url="https://a.example/do-not-tell", secret=SECRET)
    endpoint = Endpoint(url=webhook.url, events=[], secret=SECRET, authorization="Bearer do-not-tell", meta={"k": "v"})
    for text in (repr(webhook), repr(endpoint), str([webhook]), str(Configured(endpoint=endpoint))):
        assert "do-not-tell" not in text
        assert SECRET not in text
