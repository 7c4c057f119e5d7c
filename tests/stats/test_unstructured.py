"""Images, texts and embeddings as features that any client computes alike."""

import ast
import doctest
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage, stats

from monitoring.stats import unstructured
from monitoring.stats.unstructured import (
    Vocabulary,
    describe_embedding,
    describe_image,
    describe_text,
    language,
    mean_embedding,
    projection,
    vocabulary,
)

RNG = np.random.default_rng(1)


def test_the_examples_in_the_docstring_run():
    assert doctest.testmod(unstructured, extraglobs={"np": np}).failed == 0


def test_a_client_needs_nothing_but_numpy():
    tree = ast.parse(Path(unstructured.__file__).read_text())
    found = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    found |= {
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }
    roots = {name.split(".")[0] for name in found}
    assert roots - sys.stdlib_module_names == {"numpy"}


@pytest.mark.parametrize("shape", [(40, 70), (40, 70, 1), (40, 70, 2), (40, 70, 3), (40, 70, 4)])
def test_an_image_is_measured_as_scipy_and_numpy_do(shape):
    pixels = RNG.integers(0, 256, shape).astype(np.uint8)
    plain = pixels.reshape(40, 70, -1).astype(np.float64)
    light = plain[..., :3] @ [0.299, 0.587, 0.114] if plain.shape[2] > 2 else plain[..., 0]
    found = describe_image("photo", pixels)
    assert found["photo.brightness"] == pytest.approx(light.mean() / 255, abs=1e-12)
    assert found["photo.contrast"] == pytest.approx(light.std() / 255, abs=1e-12)
    wanted = ndimage.laplace(light, mode="reflect").var()
    assert found["photo.sharpness"] == pytest.approx(wanted, rel=1e-12)
    sizes = [found[f"photo.{name}"] for name in ("width", "height", "channels", "aspect")]
    assert sizes == [70, 40, plain.shape[2], 1.75]


def test_a_blurred_image_is_less_sharp_and_a_dark_one_less_bright():
    pixels = RNG.integers(0, 256, (60, 60)).astype(np.uint8)
    blurred = ndimage.gaussian_filter(pixels.astype(float), 2).astype(np.uint8)
    sharp, soft = describe_image("x", pixels), describe_image("x", blurred)
    assert soft["x.sharpness"] < 0.05 * sharp["x.sharpness"]
    assert describe_image("x", pixels // 2)["x.brightness"] < 0.55 * sharp["x.brightness"]


def test_flags_and_one_pixel_are_images():
    white = describe_image("x", np.ones((1, 1), np.bool_))
    assert (white["x.brightness"], white["x.contrast"], white["x.sharpness"]) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    "pixels",
    [None, np.zeros(5, np.uint8), np.zeros((0, 9), np.uint8), np.zeros((2, 2, 3, 1), np.uint8)],
)
def test_what_is_no_image_has_null_features(pixels):
    found = describe_image("x", pixels)
    assert list(found) == list(unstructured.image_fields("x"))
    assert set(found.values()) == {None}


@pytest.mark.parametrize(
    "pixels", [np.full((3, 4), np.nan), np.zeros((3, 4), np.uint16), np.zeros((3, 4, 9), np.uint8)]
)
def test_images_of_another_type_keep_only_their_size(pixels):
    found = describe_image("x", pixels)
    assert (found["x.width"], found["x.height"]) == (4, 3)
    assert found["x.brightness"] is found["x.sharpness"] is None


def test_a_text_is_counted_by_hand():
    found = describe_text("note", "Ab 12, CD!")
    assert found["note.characters"] == 10
    assert found["note.words"] == 2
    assert found["note.letters"] == 0.4
    assert found["note.digits"] == 0.2
    assert found["note.upper"] == 0.75
    assert found["note.punctuation"] == 0.2
    assert (found["note.language"], found["note.unknown_words"]) == ("", None)


@pytest.mark.parametrize("text", ["", "   ", "12345", "\ud800", "🙂🙂", "\x00"])
def test_texts_without_words_have_counts_and_no_exception(text):
    found = describe_text("x", text, vocabulary(["word"]))
    assert found["x.characters"] == len(text)
    assert (found["x.words"], found["x.unknown_words"], found["x.language"]) == (0, None, "")


def test_a_missing_text_has_null_features():
    assert set(describe_text("x", None).values()) == {None}


SENTENCES = {
    "en": "We are sorry that the flight was late, and it is not clear when you will be in Boston.",
    "de": "Der Flug ist heute nicht pünktlich, und wir bitten Sie, sich mit uns zu melden.",
    "fr": "Nous avons le plaisir de vous annoncer que les portes sont ouvertes pour la soirée.",
    "es": "El vuelo llega tarde por la lluvia, pero los pasajeros no se quejan de su espera.",
    "it": "Il treno è in ritardo e non si sa quando partirà, anche per la neve che cade.",
    "pt": "O voo não chegou a tempo e os passageiros esperam por uma resposta da companhia.",
    "nl": "Het vliegtuig is niet op tijd en de reizigers wachten met een kopje koffie bij de deur.",
    "sv": "Jag vet inte om det är för sent att boka en resa till Stockholm, men vi försöker.",
    "da": "Jeg ved ikke, om det er for sent at bestille en rejse til Aarhus, men af og til går det",
    "pl": "Nie wiem, czy to jest dobry pomysł, ale po pracy idę na zakupy i do domu.",
    "cs": "Nevím, jestli je to dobrý nápad, ale vlak se opozdil a jsem na nádraží v Praze.",
    "fi": "Hän on jo kotona, mutta minä en ole varma, että juna oli ajoissa ja se on hyvä.",
    "ru": "Я не знаю, что это было, но мы как всегда опоздали на поезд из Москвы.",
    "uk": "Я не знаю, що це було, але ми як завжди запізнились на потяг та він поїхав.",
    "el": "Δεν ξέρω τι ώρα φεύγει το τρένο.",
    "he": "אני לא יודע מתי הרכבת יוצאת",
    "th": "ฉันไม่รู้ว่ารถไฟออกกี่โมง",
    "ko": "기차가 언제 출발하는지 모르겠습니다",
    "ja": "電車がいつ出発するか分かりません",
    "zh": "我不知道火车什么时候开",
}


@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_tells_its_language(code):
    assert language(SENTENCES[code]) == code


@pytest.mark.parametrize(
    "text", ["", "OK", "Boston JFK 17:30", "zxq qqw plm wrt ghj", "и не он", "the der le el il"]
)
def test_when_unsure_no_language_is_told(text):
    assert language(text) == ""


def test_unknown_words_are_those_the_reference_lacks():
    known = vocabulary(["The café is open.", "Is it open now?"])
    found = describe_text("x", "Cafe\u0301 OPEN, tomorrow maybe", known)
    assert found["x.unknown_words"] == 0.5
    assert "now" in known
    assert "then" not in known


def test_a_vocabulary_survives_json_and_does_not_depend_on_the_order():
    texts = ["one two three", "two three four four"]
    known = vocabulary(texts)
    again = Vocabulary.from_json(json.loads(json.dumps(known.as_json())))
    assert again == known == vocabulary(texts[::-1])
    assert len(vocabulary(texts, least=2).hashes) == 3
    assert len(vocabulary(texts, most=1).hashes) == 1
    assert vocabulary([]).hashes == ()
    with pytest.raises(ValueError, match="format"):
        Vocabulary.from_json({"format": 9, "hashes": ""})


@pytest.mark.parametrize("dimension", [1, 3, 16, 384])
def test_the_directions_are_orthonormal_and_fixed(dimension):
    matrix = projection(dimension)
    rows = min(16, dimension)
    assert np.abs(matrix @ matrix.T - np.eye(rows)).max() < 1e-12
    assert not matrix.flags.writeable
    projection.cache_clear()
    assert projection(dimension).tobytes() == matrix.tobytes()
    if dimension > 1:
        assert not np.allclose(projection(dimension, seed=1), matrix)


def test_the_directions_of_a_seed_never_change():
    assert projection(4, 2)[0].tolist() == pytest.approx(FIRST_DIRECTION, abs=1e-12)


FIRST_DIRECTION = [0.2269061620824824, -0.42496589035165977, 0.7589249298018843, 0.4381216002114304]


def test_projections_keep_squared_distances_on_average():
    ratios = []
    for seed in range(200):
        gap = RNG.normal(size=128)
        kept = projection(128, seed=seed) @ gap
        ratios.append((kept @ kept) / (gap @ gap) * 128 / 16)
    assert np.mean(ratios) == pytest.approx(1, abs=0.06)


def test_an_embedding_is_described_and_its_shift_is_seen():
    usual = RNG.normal(size=(400, 64)) + 1
    mean = mean_embedding(usual)
    found = describe_embedding("e", usual[0], dimension=64, mean=mean)
    assert list(found) == list(unstructured.embedding_fields("e"))
    assert found["e.norm"] == pytest.approx(np.linalg.norm(usual[0]), abs=1e-12)
    wanted = usual[0] @ mean / np.linalg.norm(usual[0]) / np.linalg.norm(mean)
    assert found["e.cosine"] == pytest.approx(wanted, abs=1e-12)
    assert found["e.p03"] == pytest.approx(float(projection(64)[3] @ usual[0]), abs=1e-12)
    shifted = usual + projection(64)[3]
    sides = [
        [describe_embedding("e", one, dimension=64)["e.p03"] for one in side]
        for side in (usual, shifted)
    ]
    assert stats.ks_2samp(*sides).pvalue < 1e-6


@pytest.mark.parametrize(
    "vector", [None, np.ones(3), np.full(4, np.nan), np.full(4, np.inf), np.array(["a"] * 4)]
)
def test_vectors_that_do_not_fit_have_null_features(vector):
    assert set(describe_embedding("e", vector, dimension=4).values()) == {None}


def test_zero_vectors_and_absent_means_have_no_cosine():
    found = describe_embedding("e", np.zeros(4), dimension=4, mean=np.ones(4))
    assert (found["e.norm"], found["e.cosine"], found["e.p00"]) == (0.0, None, 0.0)
    assert describe_embedding("e", np.ones(4), dimension=4)["e.cosine"] is None
    assert found["e.p15"] is None
    assert mean_embedding(np.full((2, 3), np.nan)).tolist() == [0, 0, 0]


def test_the_kinds_of_all_features_are_declared():
    assert unstructured.text_fields("t")["t.language"] == "categorical"
    assert set(unstructured.image_fields("i").values()) == {"numeric"}
    assert len(unstructured.embedding_fields("e", 4)) == 6
