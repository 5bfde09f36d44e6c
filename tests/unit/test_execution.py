"""The state machine: its table, and the laws that hold for any sequence of events."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from protocol.events import EventType
from protocol.objects import State
from server.execution import CLAIMS, ENDS, FENCED, TRANSITIONS, Change, Machine, Verdict, apply, is_open

TOKENS = ("", "open:1", "revising:1", "open:2", "decided:2")
CHANGES = [None, *(Change(c, e, t) for c in "ab" for e, t in product(TOKENS, TOKENS[1:]))]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(EventType),
        st.sampled_from(["", *"abcd"]),
        st.integers(0, 3),
        st.integers(0, 9),
        st.sampled_from(CHANGES),
    ),
    max_size=40,
)


def test_every_state_is_reached_from_nothing() -> None:
    reached: set[State | None] = {None}
    for _ in State:
        reached |= {target for state in reached for target in TRANSITIONS[state].values()}
    assert reached == {None, *State}


def test_every_state_reaches_an_end() -> None:
    reaching: set[State | None] = set(ENDS)
    for _ in State:
        reaching |= {state for state, row in TRANSITIONS.items() if reaching & set(row.values())}
    assert reaching == {None, *State}


def test_every_event_occurs_in_the_table() -> None:
    assert {event for row in TRANSITIONS.values() for event in row} == set(EventType)


def test_ends_are_the_four_that_the_contract_names() -> None:
    assert {State.COMPLETED, State.FAILED, State.STOPPED, State.CANCELLED} == ENDS


def test_nothing_is_both_a_claim_and_fenced() -> None:
    assert not any(row & FENCED for row in CLAIMS.values())


def test_a_paused_worker_ends_what_is_in_flight_and_a_parked_one_writes_nothing_more() -> None:
    paused, _ = apply(Machine(State.RUNNING, 5, 1, True), EventType.EXECUTION_PAUSED)
    assert (paused.state, paused.owned) == (State.PAUSED, True)
    worked, verdict = apply(paused, EventType.LLM_COMPLETED, fence=1)
    assert (worked.state, verdict) == (State.PAUSED, Verdict.APPLIED)
    parked, _ = apply(worked, EventType.EXECUTION_PARKED, fence=1)
    assert (parked.state, parked.owned) == (State.PAUSED, False)
    assert apply(parked, EventType.LLM_COMPLETED, fence=1)[1] is Verdict.FENCED


def test_a_person_who_resumes_takes_no_lease() -> None:
    for owned, state in ((True, State.RUNNING), (False, State.QUEUED)):
        resumed, verdict = apply(Machine(State.PAUSED, 5, 1, owned), EventType.EXECUTION_RESUMED)
        assert (verdict, resumed.state, resumed.fence, resumed.owned) == (Verdict.APPLIED, state, 1, owned)


def test_silence_and_cancel_never_close_a_checkpoint_as_decided() -> None:
    waiting = Machine(State.WAITING, 5, 1, True, 0, {"a": "open:1"})
    after, verdict = apply(waiting, EventType.EXECUTION_CANCELLED)
    assert verdict is Verdict.APPLIED
    assert after.checkpoints == {"a": "open:1"}


def test_waiting_settles_to_running_with_a_worker_and_to_queued_without() -> None:
    decided = Change("a", "open:1", "decided:1")
    for owned, settled in ((True, State.RUNNING), (False, State.QUEUED)):
        waiting = Machine(State.WAITING, 5, 1, owned, 0, {"a": "open:1"})
        assert apply(waiting, EventType.CHECKPOINT_DECIDED, change=decided)[0].state is settled


def test_waiting_stays_while_another_checkpoint_is_open() -> None:
    waiting = Machine(State.WAITING, 5, 1, True, 0, {"a": "open:1", "b": "open:1"})
    decided = Change("a", "open:1", "decided:1")
    assert apply(waiting, EventType.CHECKPOINT_DECIDED, change=decided)[0].state is State.WAITING


@given(STEPS)
def test_laws(steps: list[tuple[EventType, str, int, int, Change | None]]) -> None:
    machine = Machine()
    for event, key, fence, number, change in steps:
        after, verdict = apply(machine, event, key=key, fence=fence, number=number, change=change)
        assert (after.offset == machine.offset + 1) == (verdict is Verdict.APPLIED)
        assert (after == machine) == (verdict is not Verdict.APPLIED)
        if machine.state in ENDS:
            assert verdict is not Verdict.APPLIED
        if verdict is Verdict.APPLIED and key:
            assert apply(after, event, key=key, fence=fence, number=number, change=change) == (after, Verdict.DUPLICATE)
        if after.state is State.WAITING:
            assert any(map(is_open, after.checkpoints.values()))
        assert after.fence >= machine.fence
        if verdict is Verdict.APPLIED and event in FENCED and number > machine.written:
            assert apply(after, event, fence=fence, number=number, change=change) == (after, Verdict.DUPLICATE)
        machine = after
