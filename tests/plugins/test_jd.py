"""JD: the signature of gateway calls, and the two spellings of the profile's envelope."""

import pytest

from connect_jd import JdProvider, sign

from ..kit.vendor_transport import make


def test_signature_is_over_names_and_values_in_order() -> None:
    """The expected value is that of `printf sa1b2s | md5sum`, in capitals."""
    assert sign({"b": "2", "a": "1"}, "s") == "5EE29085AF57D942F21F1C5BA3C2A90A"


@pytest.mark.parametrize("word", ["responce", "response"])
def test_profile_is_read_in_both_spellings(word: str) -> None:
    """JD's own spelling, and the one that libraries state."""
    result = {"getuserinfobyappidandopenid_result": {"code": 0, "data": {"nickName": "张三"}}}
    profile = make(JdProvider).read_profile({f"jingdong_user_getUserInfoByOpenId_{word}": result})
    assert profile.nickname == "张三"
