"""Is this English, which is what the classifier was trained on? In: words. Out: the likeliest language and its
evidence.

Latin-script languages are told apart by their commonest short words, other scripts by their letters. It only has to
find out what cannot be judged; it does not have to name the language right.
"""

import re
import unicodedata
from collections.abc import Sequence

FUNCTION_WORDS = {
    "en": "the of and a to in is was for on with as by at an from that this it are his her their its he she they "
          "who while into over through under near behind between which has have being my your our some each what "
          "how where no not two",
    "es": "el la los las un una unos unas de del y en con que por para sobre su sus es esta está como más pero muy "
          "hombre mujer niña niño mientras entre desde hacia sin al se lo",
    "fr": "le la les un une des du de et en dans avec que qui pour sur sous son sa ses est au aux par ne pas il "
          "elle homme femme une fille garçon pendant entre chez d'un d'une être très",
    "de": "der die das den dem des ein eine einen einem einer und in im mit auf von zu zum zur ist sind für über "
          "unter nicht er sie es mann frau wie bei nach aus während durch wird sich auch",
    "it": "il lo la gli le un uno una di del della dei delle e in nel nella con che per su sul sono è ha non uomo "
          "donna mentre tra fra da dal si come molto",
    "pt": "o os as um uma uns umas de do da dos das e em no na nos nas com que por para sobre seu sua é são não "
          "homem mulher enquanto entre ao se mais muito",
    "nl": "de het een en van in op met voor naar bij uit over onder is zijn niet die dat man vrouw hij zij terwijl "
          "door aan wordt ook maar een",
    "sv": "och en ett i på av med för till från är som den det de inte han hon man kvinna medan genom under över "
          "har sig",
    "no": "og en et i på av med for til fra er som den det de ikke han hun mann kvinne mens gjennom under over har "
          "seg",
    "da": "og en et i på af med for til fra er som den det de ikke han hun mand kvinde mens gennem under over har "
          "sig",
    "fi": "ja on ei se että hän mies nainen joka kun niin mutta myös ovat kanssa oli mukaan yli alla",
    "pl": "i w na z do się nie jest to że jak przez dla od po ale przy mężczyzna kobieta który która są pod nad "
          "jego jej",
    "cs": "a v na se z do je že s pro od po ale při muž žena který která jsou pod nad jeho její jako",
    "tr": "bir ve bu için ile da de çok gibi olan kadın adam daha ne var değil kadar sonra onun üzerinde altında",
    "id": "yang dan di dengan untuk dari ke pada adalah seorang sebuah ini itu tidak dalam oleh sedang wanita pria "
          "akan atas orang anak laki perempuan",
    "vi": "một của và là có trong với cho người không được các những trên đang này bị từ đàn ông phụ nữ",
    "ro": "un o și în de la cu pe din pentru este sunt care nu mai bărbat femeie sau prin peste lui ei",
    "hu": "a az egy és hogy nem van ez is férfi nő aki mint vagy alatt fölött volt között",
    "tl": "ang ng sa na mga ay isang at si ni para lalaki babae may ito hindi kung nasa",
    "sw": "ya na wa kwa ni katika la za mtu mwanamke mwanaume cha hii kwenye huku",
    "la": "et in est cum ad non sunt qui quae quod per ex ab sed vir puella esse",
}
WORDS = {language: frozenset(words.split()) for language, words in FUNCTION_WORDS.items()}
ENGLISH_LOOKALIKES = frozenset(
    "a in on is as an no not die man most has over under the i to do me we use be go so her his or at for from "
    "by all am son per sin si van was de la el o e y en la le ex ad la los las san del den der des".split()
)


def foreign_letters(text: str) -> float:
    """Share of the letters that are not Latin, after accents were taken off; 0 for a text without letters."""
    letters = [c for c in unicodedata.normalize("NFD", text) if c.isalpha()]
    return sum(not _latin(c) for c in letters) / len(letters) if letters else 0.0


def _latin(letter: str) -> bool:
    return letter.isascii() or unicodedata.name(letter, "").startswith("LATIN")


def words_of(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)*", text.lower())


def guess(words: Sequence[str]) -> tuple[str, int, int]:
    """(language, evidence for it, evidence for English), evidence being how many words are among its commonest ones.

    Words that are common in English too count for English only, so that "a man on the sofa" is not Dutch.
    """
    seen = [word.replace("’", "'") for word in words]
    english = sum(word in WORDS["en"] for word in seen)
    others = {
        language: sum(word in common and word not in ENGLISH_LOOKALIKES and word not in WORDS["en"] for word in seen)
        for language, common in WORDS.items()
        if language != "en"
    }
    romance = sum(
        word in {"el", "la", "los", "las", "le", "de", "del", "en", "y", "e", "o", "der", "die", "das", "den", "des"}
        for word in seen
    )
    best = max(others, key=others.__getitem__)
    evidence = others[best] + (romance if others[best] else 0)
    return (best, evidence, english) if evidence > english else ("en", english, english)
