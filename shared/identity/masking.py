"""Masking of personal data: what a reader without the right sees, and what a log line or metric may hold.

Pure and without any knowledge of whose data it is. Two uses: ``mask_phone`` and its siblings shorten one
known value for display; ``mask_text`` and ``is_personal_key`` find personal data where none belongs.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

MASK = "***"

#: Keys whose values are personal data or secrets wherever they stand. A key is cut into words at '_', '-',
#: '.', blanks and inner capitals ("callerPhone", "caller_phone"); it is personal if any word is listed here.
PERSONAL_WORDS: frozenset[str] = frozenset(
    {
        # who and where
        "name", "names", "fullname", "surname", "nickname", "username", "birthday", "birthdate",
        "phone", "phones", "mobile", "mobiles", "tel", "telephone", "fax", "msisdn", "wechat", "weixin", "qq",
        "email", "emails", "mail", "address", "addresses", "addr", "street", "room",
        "idnumber", "idcard", "passport", "plate", "bankcard", "iban",
        # free text, in which people write any of the above
        "text", "texts", "body", "content", "contents", "payload", "remark", "remarks", "note", "notes",
        "comment", "comments", "description", "transcript", "answer", "answers", "quote",
        # secrets
        "password", "passwd", "secret", "token", "tokens", "jwt", "authorization", "cookie", "credentials",
        # the same in Chinese
        "姓名", "名字", "电话", "手机", "手机号", "联系电话", "联系方式", "身份证", "身份证号", "证件号",
        "证件号码", "地址", "住址", "邮箱", "微信", "车牌", "车牌号", "正文", "内容", "备注", "密码",
    }
)  # fmt: skip

#: Of anything shorter, the ends that are shown would leave nothing to hide.
_SHORT = 8
#: The old identity numbers have 15 digits, the new ones 18.
_IDENTITY = 15

#: Pairs of words that are personal together though neither is alone.
PERSONAL_PAIRS: frozenset[tuple[str, str]] = frozenset(
    {
        ("id", "number"), ("id", "no"), ("id", "card"),
        ("identity", "number"), ("identity", "card"), ("bank", "card"),
    }
)  # fmt: skip

#: Keys that hold a listed word and yet are neither personal nor secret.
HARMLESS_KEYS: frozenset[str] = frozenset({"token_id", "answer_by"})

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS = re.compile(r"[^\w]+|_+")

# Digits may be full-width: people paste them from Chinese input methods.
# A number begins where no digit stands before it, or where that digit ends an escape such as \x11 or \u0011.
_BEGIN = r"(?:(?<!\d)|(?<=\\x[0-9A-Fa-f]{2})|(?<=\\u[0-9A-Fa-f]{4})|(?<=\\U[0-9A-Fa-f]{8}))"
_ONE, _THREE_TO_NINE = "[1１]", "[3-9３-９]"
_GAP = r"[\s\-‐-―.]?"
_MOBILE = re.compile(
    rf"{_BEGIN}(?:(?:\+|00)?86{_GAP})?{_ONE}{_THREE_TO_NINE}\d{_GAP}\d{{4}}{_GAP}\d{{4}}(?!\d)"
)
_LANDLINE = re.compile(_BEGIN + r"0\d{2,3}[-‐-―\s]\d{7,8}(?!\d)")
_ID_NUMBER = re.compile(_BEGIN + r"\d{17}[\dXxＸｘ](?!\d)")
# Bounded on the left: an unbounded run would be searched again from each of its characters.
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_LABELLED = re.compile(
    r"(?P<label>(?<![A-Za-z])(?:name|phone|mobile|tel|email|address|id_?number|id_?card|password|token|secret|"
    r"姓名|名字|电话|手机号?|身份证号?|证件号码?|地址|住址|密码)[\\\"']*\s*[:=：]\s*)"
    r"(?P<value>\\*\"[^\"]*\"|\\*'[^']*'|[^\s,，;；}\])]+)",
    re.IGNORECASE,
)
# One quick look that every pattern above passes: most texts hold no such thing and need no other.
_SUSPICIOUS = re.compile(r"[@:=：]|\d(?:\W?\d){6}")
# Hashes, trace ids and UUIDs: with a letter among the digits they are no one's number and stay searchable.
_OPAQUE = re.compile(
    r"(?=[0-9-]*[a-f])(?:[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)


def mask_phone(phone: str) -> str:
    """Return ``phone`` with its middle hidden, as in ``138****0001``; under 8 characters all is hidden."""
    value = phone.strip()
    if not value:
        return ""
    if len(value) < _SHORT:
        return "****"
    return f"{value[:3]}****{value[-4:]}"


def mask_name(name: str) -> str:
    """Return the first character of ``name`` and stars; a name of one character is all hidden.

    Two characters give one star, more give two, so the length of a long name is not shown.
    """
    value = name.strip()
    if not value:
        return ""
    if len(value) == 1:
        return "*"
    return value[0] + "*" * min(len(value) - 1, 2)


def mask_id_number(number: str) -> str:
    """Return the first three and last four characters of an identity number, as in ``110***********1234``.

    Of a number shorter than 15 characters only the first and the last are shown, of a very short one nothing.
    """
    value = number.strip()
    if not value:
        return ""
    if len(value) >= _IDENTITY:
        return f"{value[:3]}{'*' * (len(value) - 7)}{value[-4:]}"
    if len(value) < _SHORT:
        return "****"
    return f"{value[0]}{'*' * (len(value) - 2)}{value[-1]}"


def mask_address(address: str) -> str:
    """Return at most the first six characters of ``address``, never more than a third of it, and stars."""
    value = address.strip()
    if not value:
        return ""
    return value[: min(6, len(value) // 3)] + "****"


@lru_cache(maxsize=4096)
def is_personal_key(key: str) -> bool:
    """Tell whether values under ``key`` are personal data, free text or secrets by the lists above."""
    if key in HARMLESS_KEYS:
        return False
    words = [word for word in _SEPARATORS.split(_CAMEL.sub("_", key).lower()) if word]
    if PERSONAL_WORDS.intersection(words):
        return True
    return any(pair in PERSONAL_PAIRS for pair in pairwise(words))


def mask_text(text: str) -> str:
    """Return ``text`` with mobile, landline and identity numbers, mail addresses and labelled values masked.

    A labelled value is one written after a personal label and a colon or equals sign, as in ``phone: …``.
    Hashes, trace ids and UUIDs are left whole. Names in running text cannot be told from other words: never
    log running text.
    """
    if not _SUSPICIOUS.search(text) or _OPAQUE.fullmatch(text):
        return text
    masked = _LABELLED.sub(rf"\g<label>{MASK}", text)
    masked = _EMAIL.sub(MASK, masked)
    for pattern in (_ID_NUMBER, _MOBILE, _LANDLINE):
        masked = pattern.sub(MASK, masked)
    return masked
