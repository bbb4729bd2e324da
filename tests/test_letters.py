from vitascope.safety.letters import plain


def test_plain_letters_keep_what_has_none() -> None:
    assert plain("Ｃafé  №5") == "cafe  no5"
    assert plain("日本") == "日本"
