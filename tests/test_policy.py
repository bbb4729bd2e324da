from pathlib import Path

import pytest

from vitascope.safety.policy import CATEGORIES, Policy, decide


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    return path


def test_the_packaged_policy_has_every_category() -> None:
    policy = Policy.load()
    assert set(policy.categories) == set(CATEGORIES) and not policy.off


def test_what_a_file_leaves_out_is_as_packaged(tmp_path: Path) -> None:
    policy = Policy.load(write(tmp_path, "[categories.violence]\nblock = 2.0\nhold = 0.6\n"))
    assert policy.categories["violence"].block == 2.0
    assert policy.categories["sexual"] == Policy.load().categories["sexual"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[categories.sexaul]\nblock = 2\n", "categories.sexaul is not one of"),
        ("strict = true", "strict is not one of"),
        ("[categories.hate]\nblock = 'no'\n", "categories.hate.block = 'no' is not a number"),
        ("name = ", "is not TOML"),
        ("[categories.hate]\nhold = 0.9\n", "hold = 0.9 lies above block"),
        ("languages = 'en'", "languages = 'en' is not a list"),
        ("[categories.hate]\nblok = 1\n", "categories.hate.blok is not one of"),
        ("[categories.hate]\nblock = nan\nhold = nan\n", "block = nan is not a number above 0"),
        ("[categories.hate]\nframes = nan\n", "frames = nan is not a number above 0"),
        ("categories = 5\n", "categories = 5 is no table"),
        ("[categories]\nhate = 5\n", "categories.hate = 5 is no table"),
        ("[categories.hate]\ntitle = 5\n", "title = 5 is not a text"),
        ("gallery_similarity = 1.0\n", "is not between 0 and 1"),
        ('reviewers = ["likeness"]\n', "is the gallery's"),
    ],
)
def test_a_mistake_in_a_policy_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Policy.load(write(tmp_path, text))


def test_a_missing_policy_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        Policy.load(tmp_path / "none.toml")


def test_thresholds_decide() -> None:
    policy = Policy.load()
    quiet = dict.fromkeys(CATEGORIES, 0.1)
    assert decide(quiet, policy).verdict == "allow"
    assert decide(quiet | {"hate": 0.9}, policy).verdict == "block"
    assert decide(quiet, policy, held=("why",)).verdict == "hold"
    assert decide(quiet, policy, failed=("The check",)).verdict == "block"


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -1.0, 1.5])
@pytest.mark.parametrize("frames", [False, True])
def test_a_score_that_is_none_blocks(score: float, frames: bool, tmp_path: Path) -> None:
    """Also in a category that is allowed whatever its score."""
    policy = Policy.load(write(tmp_path, "[categories.hate]\nblock = 9\nhold = 9\nframes = 9\n"))
    verdict = decide(dict.fromkeys(CATEGORIES, 0.1) | {"hate": score}, policy, frames=frames)
    assert verdict.verdict == "block" and "gave no score" in " ".join(verdict.reasons)


def test_files_that_a_policy_names_lie_beside_it(tmp_path: Path) -> None:
    policy = Policy.load(write(tmp_path, 'reviewers = ["opennsfw", "gore.toml", "/x/y.toml"]\n'
                                        'upload_reviewers = ["signs.toml"]\ngallery = "faces"\n'))
    assert policy.reviewers == ("opennsfw", str(tmp_path / "gore.toml"), "/x/y.toml")
    assert policy.upload_reviewers == (str(tmp_path / "signs.toml"),)
    assert policy.gallery == str(tmp_path / "faces")


def test_between_hold_and_block_a_person_has_to_look(tmp_path: Path) -> None:
    policy = Policy.load(write(tmp_path, "[categories.violence]\nblock = 0.8\nhold = 0.4\n"))
    assert decide({"violence": 0.5}, policy).verdict == "hold"
    assert decide({"violence": 0.85}, policy).verdict == "block"


def test_a_refusal_names_the_category_and_the_way_to_appeal() -> None:
    policy = Policy.load()
    reason, = decide({"self_harm": 0.9}, policy).reasons
    assert "self-harm" in reason and policy.appeal in reason and policy.categories["self_harm"].advice in reason


def test_switching_off_is_recorded() -> None:
    assert Policy.load().switched_off().record()["off"] is True
    assert Policy.load().record()["off"] is False
