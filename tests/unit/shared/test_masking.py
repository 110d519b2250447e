"""Masking: what is shown of personal data, and what is found in text."""

from __future__ import annotations

import hashlib
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.identity.masking import (
    is_personal_key,
    mask_address,
    mask_id_number,
    mask_name,
    mask_phone,
    mask_text,
)

MASKS = (mask_phone, mask_name, mask_id_number, mask_address)


@pytest.mark.parametrize(
    ("masked", "shown"),
    [
        (mask_phone("13800000001"), "138****0001"),
        (mask_phone("010-12345678"), "010****5678"),
        (mask_phone("110"), "****"),
        (mask_name("测试甲"), "测**"),
        (mask_name("测甲"), "测*"),
        (mask_name("甲"), "*"),
        (mask_name("Testing Longname"), "T**"),
        (mask_id_number("110101199001010011"), "110***********0011"),
        (mask_id_number("1234"), "****"),
        (mask_address("测试市测试区测试路1号2单元301室"), "测试市测试区****"),
        (mask_address("测试"), "****"),
    ],
)
def test_a_masked_value_shows_only_what_helps_to_tell_two_apart(masked: str, shown: str) -> None:
    """The shapes staff know from elsewhere."""
    assert masked == shown


@given(st.text())
def test_no_value_is_shown_whole_and_an_empty_one_stays_empty(value: str) -> None:
    """Whatever is typed into a field, its mask hides a part of it."""
    for mask in MASKS:
        masked = mask(value)
        if value.strip():
            assert "*" in masked
            assert value.strip().replace("*", "") not in masked or not value.strip("* \t\n")
        else:
            assert masked == ""


@pytest.mark.parametrize(
    "key",
    [
        "name", "phone", "caller_phone", "callerPhone", "PHONE", "id_number", "idNumber", "id-card",
        "address", "text", "email", "contact.name", "note", "payload", "password", "access_token", "姓名",
        "手机号", "identity_number",
    ],
)  # fmt: skip
def test_keys_of_personal_data_are_known_in_every_spelling(key: str) -> None:
    """Spelling does not let personal data through."""
    assert is_personal_key(key)


@pytest.mark.parametrize(
    "key",
    ["event", "queue", "correlation_id", "trace_id", "org", "token_id", "hostname", "context", "number"],
)
def test_keys_needed_to_operate_the_system_stay_readable(key: str) -> None:
    """A log in which everything is masked helps nobody."""
    assert not is_personal_key(key)


@pytest.mark.parametrize(
    "secret",
    [
        "13800000001",
        "+8613800000001",
        "+86 138-0000-0001",
        "008613800000001",
        "138 0000 0001",
        "１３８０００００００１",
        "110101199001010011",
        "11010119900101001X",
        "010-12345678",
        "0571 87654321",
        "someone@example.test",
    ],
)
@pytest.mark.parametrize(
    "around", ["{}", "call {} now", "电话{}。", "[{}]", "x{}y", "phone={};", "{},{}", r"\x11{}"]
)
def test_numbers_and_addresses_are_found_in_running_text(secret: str, around: str) -> None:
    """However a number is written and whatever stands around it, it is masked."""
    masked = mask_text(around.format(secret, secret))
    assert secret not in masked
    assert "***" in masked


@pytest.mark.parametrize(
    "text",
    [
        'dup key: { name: "测试甲" }',
        '{"name": "测试甲", "n": 1}',
        r"{\"name\": \"测试甲\"}",
        "name='测试甲'",
        "姓名：测试甲，来电",
        "name = 测试甲",
    ],
)
def test_a_value_written_after_a_personal_label_is_masked(text: str) -> None:
    """Error messages of databases and parsers quote documents."""
    assert "测试甲" not in mask_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T08:00:00.123Z",
        "handled 200 in 13.5 s",
        "con_01m82xmhefz1nswbbf3gd2xdxh",
        "port 15672",
        "evt-external--alpha",
        "1700000000000",
        str(UUID("00000000-0000-4000-8000-13800000001a")),
        "a13800000001000f",
    ],
)
def test_times_ids_and_sizes_stay_readable(text: str) -> None:
    """What is no one's number can still be searched for."""
    assert mask_text(text) == text


@given(st.binary())
def test_a_hash_stays_searchable(data: bytes) -> None:
    """The hashes of histories are logged to find a broken link."""
    digest = hashlib.sha256(data).hexdigest()
    assert mask_text(digest) == digest


@given(st.text(), st.from_regex(r"\A1[3-9][0-9]{9}\Z"), st.text())
def test_no_mobile_number_survives_in_any_text(before: str, phone: str, after: str) -> None:
    """Whatever surrounds a mobile number, unless it makes it a longer number, the number is gone."""
    text = f"{before}{phone}{after}"
    joined = (before[-1:].isdigit() or before[-1:].isdecimal()) or after[:1].isdecimal()
    if not joined:
        assert phone not in mask_text(text)
