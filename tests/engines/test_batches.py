"""What is computed together: equal steps only, sampled ones alone, nobody lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_aprqa.core import Request
from pytest_aprqa.engines.batches import plan

REQUESTS = st.lists(
    st.builds(
        Request,
        id=st.just("r"),
        turns=st.lists(st.text(max_size=5), min_size=1, max_size=3).map(tuple),
        max_tokens=st.sampled_from([8, 32]),
        temperature=st.sampled_from([0.0, 0.7]),
    ),
    max_size=30,
)


@given(REQUESTS, st.integers(1, 8))
def test_every_request_is_in_one_batch_with_its_like(requests: list[Request], max_batch: int) -> None:
    batches = plan(dict(enumerate(requests)), max_batch=max_batch)
    assert sorted(key for batch in batches for key in batch) == list(range(len(requests)))
    for batch in batches:
        members = [requests[key] for key in batch]
        assert 1 <= len(members) <= max_batch
        assert len({(len(member.turns), member.max_tokens) for member in members}) == 1
        assert len(members) == 1 or all(member.temperature == 0 for member in members)


def test_prompts_of_like_length_go_together() -> None:
    requests = {i: Request(id="r", turns=("x" * length,)) for i, length in enumerate([1, 90, 2, 91])}
    assert plan(requests, max_batch=2) == ((0, 2), (1, 3))
