"""Which words of a prompt a model was never trained on, so that it can be said plainly, and what comes near to them.

A model's card lists the words of its training captions. Forms of one word count as one: "puppies" is known where
"puppy" is. Knows no meaning: a word may be unknown here and still be understood by its likeness to others.
"""

import re
from collections.abc import Iterable, Mapping

# what carries no picture of its own
PLAIN = frozenset("""
    a about above across after again all also am an and another any are around as at away back be been before behind
    being below beside between both but by can close come did do does down during each every few first five for four
    from go has have he her here hers him his how i in inside into is it its itself just like make many me more most
    much my near next nice no not of off on once one only onto or other our out over own past please put quite same
    several she so some something still such take than that the their them then there these they thing this those
    three through to together too toward towards two under until up upon us very was we were what when where which
    while who whole will with within without you your
    clip film footage image movie picture scene shot show video view
""".split())


def unknown_words(prompt: str, known: Iterable[str]) -> list[str]:
    """The words of a prompt, in its order, that are neither plain nor a form of a known word."""
    stems = {stem for word in known for stem in _stems(word.lower())}
    words = dict.fromkeys(re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)?", prompt.lower()))
    return [word for word in words if word not in PLAIN and not _stems(word) & stems]


def in_known_words(prompt: str, near: Mapping[str, str]) -> str:
    """The prompt, with what is `near` to them in the place of things that a model has no picture of."""
    def instead(found: re.Match) -> str:
        shown = near[found["word"].lower()]
        return f"{'an' if shown[0] in 'aeio' else 'a'} {shown}" if found["article"] else shown

    return _mentions(near).sub(instead, prompt) if near else prompt


def shown_instead(prompt: str, near: Mapping[str, str]) -> dict[str, str]:
    """The things of a prompt that a model has no picture of, in its order, and what is `near` to them."""
    found = [match["word"].lower() for match in _mentions(near).finditer(prompt)] if near else []
    return {word: near[word] for word in found if near[word] != word}


def _mentions(near: Mapping[str, str]) -> re.Pattern:
    """Finds the words of a table in a prompt, the longest first, with the article before them."""
    words = "|".join(map(re.escape, sorted(near, key=len, reverse=True)))
    return re.compile(rf"(?P<article>\ban? )?\b(?P<word>{words})\b", re.IGNORECASE)


def known_words(captions: Iterable[str]) -> list[str]:
    """All words of some captions, sorted: what a model that was trained on them has read."""
    return sorted({word for caption in captions for word in re.findall(r"[^\W\d_]+", caption.lower())})


def _stems(word: str) -> set[str]:
    """What a word may be a form of; too many rather than too few."""
    word = re.sub(r"['’]s$", "", word)
    stems = {word}
    for ending, instead in (("ies", "y"), ("es", ""), ("s", ""), ("ing", ""), ("ing", "e"), ("ed", ""), ("ed", "e"),
                            ("er", ""), ("er", "e"), ("ly", ""), ("ward", ""), ("wards", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 2:
            stem = word.removesuffix(ending) + instead
            stems |= {stem, re.sub(r"([bdfglmnprt])\1$", r"\1", stem)}
    return stems
