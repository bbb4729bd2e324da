import pytest

from vitascope.serve.errors import ApiError
from vitascope.serve.sending import find_range


@pytest.mark.parametrize(
    ("header", "extent"),
    [
        ("bytes=0-9", (0, 10)),
        ("bytes=90-", (90, 100)),
        ("bytes=90-500", (90, 100)),
        ("bytes=-5", (95, 100)),
        ("bytes=-500", (0, 100)),
        ("", None),
        ("bytes=9-1", None),
        ("bytes=-", None),
        ("bytes=0-1,4-5", None),
        ("items=0-1", None),
        ("bytes=x-1", None),
    ],
)
def test_a_range_is_found_or_none(header: str, extent: tuple[int, int] | None) -> None:
    assert find_range(header, 100) == extent


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_outside_of_the_file_is_refused(header: str) -> None:
    with pytest.raises(ApiError) as caught:
        find_range(header, 100)
    assert (caught.value.status, caught.value.headers["Content-Range"]) == (416, "bytes */100")
