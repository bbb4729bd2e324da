import pytest

from vitascope.provenance.swing import chunks, swing


@pytest.mark.parametrize("count, fps", [(1, 8.0), (4, 8.0), (17, 8.0), (100, 7.3), (3600, 60.0), (61, 4.0)])
def test_chunks_cover_a_clip_and_each_of_them_swings_around_nothing(count: int, fps: float) -> None:
    parts, weights = chunks(count, fps), swing(count, fps)
    assert [first for first, _ in parts] == [0, *(last for _, last in parts[:-1])] and parts[-1][1] == count
    if count >= 5:
        assert all(abs(weights[first:last].mean()) < 0.3 and last - first <= 3 * fps + 1 for first, last in parts)
