"""Who is calling: signed tokens, roles and the masking of personal data."""

from shared.identity.keys import ALGORITHMS, JwksFile, JwksUrl, KeySource, key_source
from shared.identity.masking import mask_address, mask_id_number, mask_name, mask_phone
from shared.identity.roles import Caller, require_role
from shared.identity.tokens import TokenIssuer, TokenVerifier

__all__ = [
    "ALGORITHMS",
    "Caller",
    "JwksFile",
    "JwksUrl",
    "KeySource",
    "TokenIssuer",
    "TokenVerifier",
    "key_source",
    "mask_address",
    "mask_id_number",
    "mask_name",
    "mask_phone",
    "require_role",
]
