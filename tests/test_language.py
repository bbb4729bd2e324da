import pytest

from vitascope.safety.language import foreign_letters, guess, words_of


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("es", "un hombre está en la playa con una mujer"),
        ("fr", "une femme marche dans la rue avec son chien"),
        ("de", "ein Mann sitzt auf dem Sofa und liest eine Zeitung"),
        ("it", "un uomo che mangia una mela nel giardino"),
        ("pt", "uma mulher com um cachorro na praia não está feliz"),
        ("nl", "een man met een hond op het strand"),
        ("id", "seorang wanita yang sedang berjalan di pantai dengan anjing"),
        ("tr", "bir adam ve bir kadın için çok güzel"),
        ("en", "a man in a red van on the die with no son as a pan"),
        ("en", "two dogs"),
    ],
)
def test_a_sentence_is_of_its_language(language: str, text: str) -> None:
    assert guess(words_of(text))[0] == language


def test_letters_of_other_scripts_are_counted() -> None:
    assert foreign_letters("café") == 0.0 and foreign_letters("дом") == 1.0 and foreign_letters("123") == 0.0
    assert foreign_letters("ab дв") == 0.5
