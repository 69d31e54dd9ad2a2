# SPDX-License-Identifier: ISC
"""The JSON reader and python's json module agree on what is JSON.

Texts are generated, then damaged, by a seeded generator; `unit_codec_json
--check` judges them all in one run. Python is laxer in four things that are
made equal here: NaN and its kin, lone surrogates, encodings, depth.
"""
import json
import os
import pathlib
import random
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("FETCHD_BUILD", ROOT / "build" / "asan"))
DEPTH_MAX = 64

pytestmark = pytest.mark.harness


def driver():
    for path in (BUILD / "tests" / "unit_codec_json",
                 BUILD / "unit_codec_json"):
        if os.access(path, os.X_OK):
            return path
    pytest.skip(f"no unit_codec_json in {BUILD}")


def refuse(word):
    raise ValueError(word)


def has_lone_surrogate(value):
    if isinstance(value, str):
        return any(0xD800 <= ord(c) <= 0xDFFF for c in value)
    if isinstance(value, list):
        return any(map(has_lone_surrogate, value))
    return False


def depth(value):
    if not isinstance(value, list):
        return 0
    return 1 + max(map(depth, value), default=0)


def python_says(text):
    """Objects come as lists [key, value, key, value, ...]: no key is lost."""
    try:
        value = json.loads(
            text.decode("utf-8"), parse_constant=refuse, parse_int=len,
            parse_float=len,
            object_pairs_hook=lambda pairs: [x for p in pairs for x in p])
    except (ValueError, RecursionError):
        return False
    return not has_lone_surrogate(value) and depth(value) <= DEPTH_MAX


def we_say(texts, tmp_path):
    path = tmp_path / "texts"
    with open(path, "wb") as f:
        for t in texts:
            f.write(b"%d\n" % len(t) + t)
    out = subprocess.run([driver(), "--check", path], check=True, timeout=120,
                         stdout=subprocess.PIPE).stdout.decode().splitlines()
    assert len(out) == len(texts)
    return [line == "valid" for line in out]


STRINGS = ['""', '"a"', '"a longer string without anything special"', '"é€𝄞"',
           '"\\u0000\\n\\"\\\\\\/"', '"\\ud834\\udd1e"', '"\\ud834"',
           '"\\udd1e\\ud834"', '"\\uD834x\\uDD1E"', '"\x7f\u2028"', '"\t"']
NUMBERS = ["0", "-0", "1", "-12", "0.5", "1e400", "1E-7", "12.50e+3", "-0.0",
           "9223372036854775808", "01", "1.", ".5", "+1", "1e", "0x1", "- 1",
           "NaN", "Infinity", "-Infinity", "1_0", "٣"]
WORDS = ["null", "true", "false", "nul", "True", "none", ""]
BLANKS = ["", "", "", " ", "\n", "\t", "\r\n ", "\f", "\u00a0", "\ufeff"]


def pick(rng, choices, odd):
    """Mostly the first, well-formed half of the choices."""
    return rng.choice(choices if odd else choices[:len(choices) // 2])


def value(rng, room, odd):
    kind = rng.randrange(6 if room > 0 else 3)
    if kind == 0:
        text = pick(rng, STRINGS, odd)
    elif kind == 1:
        text = pick(rng, NUMBERS, odd)
    elif kind == 2:
        text = pick(rng, WORDS, odd)
    elif kind == 3:
        text = "[" + ",".join(value(rng, room - 1, odd) for _ in range(
            rng.randrange(4))) + "]"
    else:
        text = "{" + ",".join(
            pick(rng, STRINGS, odd) + pick(rng, BLANKS, odd) + ":" +
            value(rng, room - 1, odd) for _ in range(rng.randrange(4))) + "}"
    return pick(rng, BLANKS, odd) + text + pick(rng, BLANKS, odd)


SPECIAL = b'{}[]:,"\\/ \n\t\r\0\x1f\x7f\x80\xc3\xe2\xed\xa0\xf0\xff-+.019eEuUdD8'


def damage(rng, text):
    text = bytearray(text)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text) + 1)
        move = rng.randrange(5)
        if move == 0:
            text[at:at] = bytes([rng.choice(SPECIAL)])
        elif move == 1:
            del text[at:at + rng.randrange(1, 4)]
        elif move == 2 and at < len(text):
            text[at] = rng.choice(SPECIAL)
        elif move == 3:
            del text[at:]
        else:
            text[at:at] = text[at - rng.randrange(1, 8):at]
    return bytes(text)


def generated(seed, count):
    rng = random.Random(seed)
    for _ in range(count):
        text = value(rng, rng.randrange(5), rng.random() < 0.3).encode()
        yield text
        yield damage(rng, text)


def handmade():
    for n in (1, 63, 64, 65, 200):
        yield b"[" * n + b"]" * n
        yield b'{"a":' * n + b"1" + b"}" * n
        yield b'[{"":' * (n // 2) + b"[]" + b"}]" * (n // 2)
    for c in range(256):
        b = bytes([c])
        yield from (b, b"[" + b + b"]", b'"' + b + b'"', b'"\\' + b + b'"',
                    b"1" + b, b + b"1", b'"1234567' + b + b'890"')
    for hi in (0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xed,
               0xef, 0xf0, 0xf4, 0xf5):
        for lo in (0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0):
            for rest in (b"", b"\x80", b"\x80\x80", b"\xbf\xbf"):
                yield b'"' + bytes([hi, lo]) + rest + b'"'
    for a in ("0000", "d7ff", "d800", "dbff", "dc00", "dfff", "e000", "ffff"):
        yield f'"\\u{a}"'.encode()
        for b in ("0041", "d800", "dc00", "DFFF", "e000", "00"):
            yield f'"\\u{a}\\u{b}"'.encode()


def compare(texts, tmp_path):
    texts = list(texts)
    ours = we_say(texts, tmp_path)
    theirs = [python_says(t) for t in texts]
    differ = [t for t, a, b in zip(texts, ours, theirs) if a != b]
    assert not differ, f"{len(differ)} judged differently: {differ[:5]}"
    return sum(ours), len(ours)


def test_the_reader_agrees_with_python_on_the_hard_cases(tmp_path):
    valid, total = compare(handmade(), tmp_path)
    assert 0 < valid < total


def test_the_reader_agrees_with_python_on_generated_and_damaged_texts(
        tmp_path):
    valid, total = compare(generated(8259, 20000), tmp_path)
    assert total * 0.2 < valid < total * 0.8
