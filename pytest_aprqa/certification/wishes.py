"""What the user asked of a run, and the pytest command line that says the same. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_aprqa.certification.errors import CertificationError

_SET: Final = "--aprqa-set"
_SELECTING: Final = ("-m", "-k")


@dataclass(frozen=True, slots=True)
class Wishes:
    """Options of one run of pytest; what is left at its default is left to pytest's own options and ini file."""

    output: Path | None = None
    """Folder for evidence and reports, with a folder for each model."""
    model_cache: Path | None = None
    """Folder with models in Hugging Face layout."""
    model_path: Path | None = None
    """The model's own folder, instead of the playbook's."""
    download: bool = False
    failure_policy: str | None = None
    workers: int = 1
    timeout_ms: int | None = None
    """Deadline of each request, in milliseconds."""
    no_gpu: bool = False
    allow_missing: bool = False
    profile_ci: bool = False
    """Speed is measured even where the tier does not ask for it."""
    lock: Path | None = None
    """The lock file that the playbooks were held against; pytest does it again, so that the evidence says so."""
    reports: str | None = None
    """Words for the reports that pytest writes."""
    golden_corpus: str | None = None
    """A corpus of recorded logits that the answers are held against, beside those that the playbook names."""
    values: tuple[str, ...] = ()
    """``NAME=VALUE`` for each ``${NAME}`` in playbooks; they win over the environment."""
    unwanted: tuple[str, ...] = ()
    """Marks of items that are not to run."""
    unnamed: tuple[str, ...] = ()
    """Words in the names of items that are not to run."""
    extra: tuple[str, ...] = ()
    """Words that go to pytest untouched, last."""

    def names(self, environment: Mapping[str, str]) -> dict[str, str]:
        """What ``${NAME}`` stands for in a playbook, by the environment, by `values`, and by the words for pytest.

        >>> Wishes(values=("A=1",), extra=("--aprqa-set", "B=2", "--aprqa-set=C=3")).names({"A": "0"})
        {'A': '1', 'B': '2', 'C': '3'}
        """
        after = zip(self.extra, self.extra[1:], strict=False)
        apart = [value for option, value in after if option == _SET]
        joined = [word.removeprefix(f"{_SET}=") for word in self.extra if word.startswith(f"{_SET}=")]
        pairs = (text.partition("=") for text in (*self.values, *apart, *joined))
        return {**environment, **{name: value for name, _, value in pairs}}


def pytest_arguments(playbooks: Sequence[Path], wishes: Wishes) -> tuple[str, ...]:
    """The command line after the word ``pytest``.

    Raises:
        CertificationError: the user's own words would silently replace ours.
    """
    ours = tuple(_selection(wishes))
    for option in _SELECTING:
        if option in ours and any(_says(word, option) for word in wishes.extra):
            raise CertificationError(
                f"{option} after -- would replace the {option} that leaves tests out;"
                f" expected one of them; write the whole selection after --: {option} {ours[ours.index(option) + 1]!r}"
            )
    return (*(str(path) for path in playbooks), *_options(wishes), *ours, *wishes.extra)


def _options(wishes: Wishes) -> Iterator[str]:
    valued = (
        ("--aprqa-output", wishes.output),
        ("--aprqa-model-cache", wishes.model_cache),
        ("--aprqa-model-path", wishes.model_path),
        ("--aprqa-failure-policy", wishes.failure_policy),
        ("--aprqa-timeout", wishes.timeout_ms),
        ("--aprqa-hf-parity", wishes.golden_corpus),
        ("--aprqa-lock", wishes.lock),
        ("--aprqa-report", wishes.reports),
    )
    flags = (
        ("--aprqa-download", wishes.download),
        ("--aprqa-no-gpu", wishes.no_gpu),
        ("--aprqa-allow-missing", wishes.allow_missing),
        ("--aprqa-profile-ci", wishes.profile_ci),
    )
    yield from (f"{option}={value}" for option, value in valued if value is not None)
    yield from (option for option, given in flags if given)
    yield from (f"{_SET}={value}" for value in wishes.values)
    if wishes.workers > 1:
        yield from ("-n", str(wishes.workers))


def _selection(wishes: Wishes) -> Iterator[str]:
    if wishes.unwanted:
        yield from ("-m", " and ".join(f"not {mark}" for mark in wishes.unwanted))
    if wishes.unnamed:
        yield from ("-k", " and ".join(f"not {word}" for word in wishes.unnamed))


def _says(word: str, option: str) -> bool:
    return word == option or (word.startswith(option) and not word.startswith("--"))
