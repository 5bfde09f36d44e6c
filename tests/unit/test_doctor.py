"""What the doctor makes of what it finds. Nothing is asked here."""

import socket
from typing import Any

import pytest

from protocol.objects import Crew
from server.cli.doctor import crews, ports, redis
from server.cli.doctor.finding import Grade
from server.settings import Settings

HEALTHY: dict[str, Any] = {"redis_version": "8.0.1", "aof_enabled": 1, "maxmemory": 0, "role": "master"}


@pytest.mark.parametrize(
    ("more", "skew", "grade", "says"),
    [
        ({}, 0.0, Grade.GOOD, "answers"),
        ({"maxmemory": 10, "maxmemory_policy": "allkeys-lru"}, 0.0, Grade.BAD, "throws keys away"),
        ({"maxmemory": 10, "maxmemory_policy": "noeviction"}, 0.0, Grade.GOOD, "answers"),
        ({"aof_enabled": 0}, 0.0, Grade.DOUBTFUL, "append-only file"),
        ({"role": "slave"}, 0.0, Grade.BAD, "replica"),
        ({"cluster_enabled": 1}, 0.0, Grade.BAD, "cluster"),
        ({}, -7.5, Grade.DOUBTFUL, "-7.5 s"),
    ],
)
def test_redis(more: dict[str, Any], skew: float, grade: Grade, says: str) -> None:
    found = list(redis.judge({**HEALTHY, **more}, skew))
    (worst,) = [one for one in found if one.grade is grade][-1:] or [found[0]]
    assert says in worst.what or grade is Grade.GOOD
    assert worst.advice or grade is Grade.GOOD
    if grade is Grade.GOOD:
        assert {one.grade for one in found} == {Grade.GOOD}


def crew(name: str, **more: Any) -> Crew:
    return Crew(name=name, title="T", description="", kind="crew", inputs={}, checkpoints=[], tasks=[], **more)


def test_crews_and_their_models_key() -> None:
    broken, demo = crew("a", broken="no module"), crew("b", demo=True)
    assert [one.grade for one in crews.judge([broken, demo], {})] == [Grade.BAD, Grade.GOOD, Grade.DOUBTFUL]
    assert [one.grade for one in crews.judge([crew("c")], {"OPENAI_API_KEY": "sk-secret"})] == [Grade.GOOD] * 2
    assert "sk-secret" not in str(list(crews.judge([crew("c")], {"OPENAI_API_KEY": "sk-secret"})))


def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        (found,) = ports.examine(Settings(port=taken.getsockname()[1]))
    assert found.grade is Grade.DOUBTFUL
    assert "PORT" in found.advice
    (free,) = ports.examine(Settings(port=0))
    assert free.grade is Grade.GOOD


def test_a_data_folder_that_cannot_be_written(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    (found,) = redis.examine(Settings(data=tmp_path / "data"))
    assert found.grade is Grade.BAD
    assert "QUARTERDECK_DATA" in found.advice
