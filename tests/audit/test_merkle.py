"""The tree of RFC 6962: known vectors, and proofs that hold for every tree and for no other."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import merkle

# The eight leaves and heads that implementations of Certificate Transparency test with.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
HEADS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHED = [merkle.leaf_hash(leaf) for leaf in LEAVES]
INCLUSION = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


def hashes(texts):
    return [bytes.fromhex(text) for text in texts]


def leaves(count):
    return [merkle.leaf_hash(str(number).encode()) for number in range(count)]


def test_the_head_of_nothing_is_the_hash_of_nothing():
    assert merkle.root([]) == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_known_heads(size):
    assert merkle.root(HASHED[:size]).hex() == HEADS[size - 1]
    assert merkle.root_at(merkle.in_memory(HASHED), size).hex() == HEADS[size - 1]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_known_proofs_of_inclusion(index, size):
    path = merkle.inclusion_proof(merkle.in_memory(HASHED), index, size)
    assert path == hashes(INCLUSION[index, size])


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_known_proofs_of_consistency(old, new):
    path = merkle.consistency_proof(merkle.in_memory(HASHED), old, new)
    assert path == hashes(CONSISTENCY[old, new])


SIZES = st.integers(1, 300)


@settings(max_examples=150, deadline=None)
@given(SIZES, st.data())
def test_every_leaf_of_every_tree_is_proved_and_no_other(size, data):
    index = data.draw(st.integers(0, size - 1))
    tree = leaves(size)
    head = merkle.root(tree)
    path = merkle.inclusion_proof(merkle.in_memory(tree), index, size)
    claim = {"leaf": tree[index], "index": index, "size": size, "path": path, "head": head}
    assert merkle.verify_inclusion(**claim)
    other = data.draw(st.integers(0, size + 2).filter(lambda number: number != index))
    assert not merkle.verify_inclusion(**claim | {"index": other})
    assert not merkle.verify_inclusion(**claim | {"leaf": merkle.leaf_hash(b"other")})
    assert not merkle.verify_inclusion(**claim | {"head": bytes(32)})
    assert not merkle.verify_inclusion(**claim | {"path": [*path, bytes(32)]})
    if path:
        assert not merkle.verify_inclusion(**claim | {"path": path[:-1]})


@settings(max_examples=150, deadline=None)
@given(SIZES, st.data())
def test_every_tree_is_shown_to_grow_from_every_earlier_one(new, data):
    old = data.draw(st.integers(1, new))
    tree = leaves(new)
    heads = {"old_head": merkle.root(tree[:old]), "new_head": merkle.root(tree)}
    path = merkle.consistency_proof(merkle.in_memory(tree), old, new)
    claim = {"old": old, "new": new, "path": path, **heads}
    assert merkle.verify_consistency(**claim)
    assert not merkle.verify_consistency(**claim | {"old_head": bytes(32)})
    assert not merkle.verify_consistency(**claim | {"new_head": bytes(32)})
    assert not merkle.verify_consistency(**claim | {"path": [*path, bytes(32)]})
    if path:
        assert not merkle.verify_consistency(**claim | {"path": path[1:]})


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 120), st.data())
def test_a_tree_whose_past_was_rewritten_is_not_shown_to_grow(new, data):
    old = data.draw(st.integers(1, new))
    changed = data.draw(st.integers(0, old - 1))
    before = leaves(new)
    after = [*before[:changed], merkle.leaf_hash(b"other"), *before[changed + 1 :]]
    for tree in (before, after):
        assert not merkle.verify_consistency(
            old=old,
            new=new,
            old_head=merkle.root(before[:old]),
            new_head=merkle.root(after),
            path=merkle.consistency_proof(merkle.in_memory(tree), old, new),
        )


def test_what_is_not_in_a_tree_has_no_proof():
    look = merkle.in_memory(HASHED)
    for index, size in ((8, 8), (-1, 8), (0, 0)):
        with pytest.raises(ValueError, match="has no leaf"):
            merkle.inclusion_proof(look, index, size)
    for old, new in ((0, 8), (8, 7)):
        with pytest.raises(ValueError, match="grew from"):
            merkle.consistency_proof(look, old, new)
        assert not merkle.verify_consistency(old=old, new=new, old_head=b"", new_head=b"", path=[])
