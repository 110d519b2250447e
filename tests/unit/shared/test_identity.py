"""Tokens: who is let in, who is refused and why, and that nobody stays in for longer than allowed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import FixedClock
from shared.errors import Forbidden, Unauthenticated, Unavailable, ValidationFailed
from shared.identity import Caller, JwksFile, JwksUrl, TokenIssuer, TokenVerifier, key_source, require_role
from shared.identity.keys import VerificationKey, parse_jwks
from shared.ids import CountingIds

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Desk:
    """A place that issues and verifies tokens, with every moving part in the open."""

    def __init__(self, directory: Path, private_key: Any = None) -> None:
        self.clock = FixedClock(NOW)
        self.path = directory / "jwks.json"
        self.private_key = private_key or Ed25519PrivateKey.generate()
        self.issuer = TokenIssuer(self.private_key, clock=self.clock, ids=CountingIds())
        self.publish(self.issuer.jwks())
        self.source = JwksFile(self.path)
        self.verifier = TokenVerifier(self.source, self.clock)

    def publish(self, document: Any) -> None:
        """Put a JWKS in the place of the one before, with a modification time of its own."""
        draft = self.path.with_suffix(".draft")
        draft.write_text(json.dumps(document))
        draft.replace(self.path)

    def token(self, **changed: Any) -> str:
        """A token signed with the right key; claims and header as changed, None leaves one out."""
        now = int(self.clock.now().timestamp())
        header = {"alg": "EdDSA", "typ": "JWT", "kid": self.issuer.kid, **changed.pop("header", {})}
        claims = {
            "sub": "stf_1", "org": "org_1", "roles": ["clerk"], "jti": "tok_1", "aud": "kefu",
            "iat": now, "exp": now + 3600, **changed,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {name: value for name, value in header.items() if value is not None}
        # The library refuses to sign some of the nonsense these tests need signed.
        signed = f"{encoded(header)}.{encoded(claims)}"
        return f"{signed}.{unpadded(self.private_key.sign(signed.encode()))}"

    def refusal(self, token: str | None) -> str:
        with pytest.raises(Unauthenticated) as refused:
            self.verifier.verify(token)
        if token and len(token) > 20:
            assert token not in str(refused.value)
        return str(refused.value)


def unpadded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def encoded(part: Any) -> str:
    return unpadded(json.dumps(part).encode())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize("kind", ["Ed25519", "P-256"])
def test_a_token_issued_is_the_caller_verified(tmp_path: Path, kind: str) -> None:
    """Both kinds of key: what was put into the token is what comes out."""
    key = Ed25519PrivateKey.generate() if kind == "Ed25519" else ec.generate_private_key(ec.SECP256R1())
    desk = Desk(tmp_path, key)
    token = desk.issuer.issue("stf_1", "org_1", ["lead", "clerk"], HOUR, unit="unt_1")
    for _ in range(2):
        assert desk.verifier.verify(token) == Caller(
            "stf_1", "org_1", "unt_1", frozenset({"lead", "clerk"}), "tok_1"
        )
    assert desk.verifier.verify(desk.issuer.issue("sys_1", "org_1", [], HOUR)).unit is None


def test_no_token_is_said_to_be_missing(desk: Desk) -> None:
    """A caller that forgot its token is told so."""
    assert "no token" in desk.refusal(None)
    assert "no token" in desk.refusal("")


def test_a_token_is_refused_from_the_moment_it_expires_but_for_the_leeway(desk: Desk) -> None:
    """Clocks differ by seconds, so thirty are forgiven and not one more."""
    token = desk.issuer.issue("stf_1", "org_1", ["clerk"], HOUR)
    desk.clock.advance(HOUR + timedelta(seconds=29))
    assert desk.verifier.verify(token).subject == "stf_1"
    desk.clock.advance(timedelta(seconds=1))
    assert "expired at 2026-11-23T09:00:00+00:00" in desk.refusal(token)
    assert "expired" in TokenVerifierProbe(desk).refusal(token)


class TokenVerifierProbe(Desk):
    """A fresh verifier beside a desk's own, with nothing remembered."""

    def __init__(self, desk: Desk) -> None:
        self.verifier = TokenVerifier(desk.source, desk.clock)


@given(st.integers(0, 7200) | st.integers(3600, 3660))
def test_a_remembered_token_is_judged_like_a_new_one(desk_directory: Path, seconds: int) -> None:
    """Remembering is for speed: at no moment does it answer otherwise than verifying afresh."""
    desk = Desk(desk_directory)
    token = desk.issuer.issue("stf_1", "org_1", ["clerk"], HOUR)
    desk.verifier.verify(token)
    desk.clock.advance(timedelta(seconds=seconds))
    assert outcome(desk.verifier, token) == outcome(TokenVerifier(desk.source, desk.clock), token)


@pytest.fixture(scope="module")
def desk_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("desk")


def outcome(verifier: TokenVerifier, token: str) -> Caller | str:
    try:
        return verifier.verify(token)
    except Unauthenticated as refused:
        return str(refused)


def test_a_token_not_valid_yet_is_refused(desk: Desk) -> None:
    """Neither a start in the future nor an issue in the future is believed."""
    later = int((NOW + timedelta(minutes=5)).timestamp())
    assert "not valid before 2026-11-23T08:05:00" in desk.refusal(desk.token(nbf=later))
    assert "not valid before" in desk.refusal(desk.token(iat=later))


def test_a_token_for_another_audience_is_refused(desk: Desk) -> None:
    """A token for another system signed with the same key opens nothing here."""
    assert "not meant for kefu" in desk.refusal(desk.token(aud="other"))
    other = TokenIssuer(desk.private_key, clock=desk.clock, audience="other")
    assert "not meant for kefu" in desk.refusal(other.issue("stf_1", "org_1", [], HOUR))


def test_a_token_signed_by_someone_else_is_refused(desk: Desk) -> None:
    """Naming the right key does not help without having it."""
    forger = TokenIssuer(Ed25519PrivateKey.generate(), clock=desk.clock)
    assert "not known here" in desk.refusal(forger.issue("stf_1", "org_1", ["admin"], HOUR))
    forger.kid = desk.issuer.kid
    assert "signature does not match" in desk.refusal(forger.issue("stf_1", "org_1", ["admin"], HOUR))


def test_a_token_changed_after_signing_is_refused(desk: Desk) -> None:
    """Nobody gives himself a role."""
    header, _, signature = desk.token().split(".")
    claims = {
        "sub": "stf_1",
        "org": "org_1",
        "roles": ["admin"],
        "jti": "t",
        "iat": 1,
        "exp": 9**11,
        "aud": "kefu",
    }
    assert "signature does not match" in desk.refusal(f"{header}.{encoded(claims)}.{signature}")


def test_an_unsigned_token_is_refused(desk: Desk) -> None:
    """``alg: none`` in any spelling is not an accepted algorithm, with a signature or without."""
    for algorithm in ("none", "None", "NONE", "", None):
        header, claims, signature = desk.token(header={"alg": algorithm}).split(".")
        for end in ("", signature):
            reason = desk.refusal(f"{header}.{claims}.{end}")
            assert "accepted algorithm" in reason or "not a JWT" in reason


def test_the_public_key_used_as_a_shared_secret_opens_nothing(desk: Desk) -> None:
    """The classic confusion: HMAC with the public key, in every form an attacker may have it."""
    public = desk.private_key.public_key()
    secrets = (
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.Raw, PublicFormat.Raw),
        desk.path.read_bytes(),
        b"",
    )
    for secret in secrets:
        signed = desk.token(header={"alg": "HS256"}).rpartition(".")[0]
        forged = f"{signed}.{unpadded(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"
        assert "accepted algorithm" in desk.refusal(forged)


def test_a_token_naming_one_algorithm_and_a_key_of_another_is_refused(desk: Desk) -> None:
    """Each key verifies its own algorithm only."""
    assert "not that of the key" in desk.refusal(desk.token(header={"alg": "ES256"}))


def test_a_token_that_brings_its_own_key_is_not_listened_to(desk: Desk) -> None:
    """Keys come from where we look, never from the token."""
    forger = Ed25519PrivateKey.generate()
    jwk = TokenIssuer(forger).jwks()["keys"][0]
    token = jwt.encode(
        {"sub": "x", "org": "o", "roles": [], "jti": "t", "iat": 1, "exp": 9**11, "aud": "kefu"},
        forger,
        algorithm="EdDSA",
        headers={"kid": desk.issuer.kid, "jwk": jwk, "jku": "https://forger.example/jwks.json"},
    )
    assert "signature does not match" in desk.refusal(token)


@pytest.mark.parametrize("claim", ["sub", "org", "roles", "jti", "iat", "exp", "aud"])
def test_a_token_without_a_needed_claim_is_refused_by_its_name(desk: Desk, claim: str) -> None:
    """Whoever set up the login system reads which claim is missing."""
    assert f"'{claim}'" in desk.refusal(desk.token(**{claim: None}))


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": 7}, {"sub": ""}, {"org": {"$ne": ""}}, {"org": ""}, {"roles": "admin"}, {"roles": [1]},
        {"roles": {"admin": 1}}, {"unit": 5}, {"unit": ""}, {"jti": ["x"]}, {"exp": "soon"}, {"exp": True},
        {"exp": 10**40}, {"exp": float("inf")}, {"exp": float("nan")}, {"nbf": "x"}, {"iat": []}, {"aud": 5},
    ],
)  # fmt: skip
def test_a_claim_of_the_wrong_type_is_refused(desk: Desk, claims: dict[str, Any]) -> None:
    """Signed nonsense is an error of the caller's, never a crash or an operator in a query."""
    desk.refusal(desk.token(**claims))


@pytest.mark.parametrize(
    "garbage",
    [
        "x",
        "a.b.c",
        "..",
        "e30.e30.",
        "é.é.é",
        "\ud800",
        "." * 100,
        "x" * 10_000,
        "bnVsbA.e30.AAAA",
        "W10.e30.AA",
    ],
)
def test_garbage_is_refused_in_plain_words(desk: Desk, garbage: str) -> None:
    """Whatever stands where a token should, the answer is Unauthenticated."""
    desk.refusal(garbage)


@given(garbage=st.text() | st.binary().map(unpadded).map(lambda part: f"{part}.{part}.{part}"))
def test_no_garbage_crashes_the_verifier(desk_directory: Path, garbage: str) -> None:
    """The same for whatever Hypothesis thinks of."""
    Desk(desk_directory).refusal(garbage)


def test_a_token_naming_no_key_is_refused(desk: Desk) -> None:
    """Keys are not tried one after the other."""
    assert "'kid'" in desk.refusal(desk.token(header={"kid": None}))
    desk.refusal(desk.token(header={"kid": 5}))


class CountingSource:
    """A source that counts how often a key was asked for."""

    def __init__(self, key: VerificationKey) -> None:
        self.now_at = 0
        self.asked = 0
        self._key = key

    def generation(self, now: datetime) -> int:
        return self.now_at

    def key(self, kid: str, now: datetime) -> VerificationKey | None:
        self.asked += 1
        return self._key if kid == self._key.kid else None


def test_a_token_seen_before_is_not_verified_again_until_the_keys_change(desk: Desk) -> None:
    """Every call brings a token; the signature is computed once."""
    (key,) = parse_jwks(desk.path.read_bytes()).values()
    source = CountingSource(key)
    verifier = TokenVerifier(source, desk.clock)
    token = desk.token()
    for _ in range(5):
        verifier.verify(token)
    assert source.asked == 1
    source.now_at += 1
    verifier.verify(token)
    assert source.asked == 2


def test_only_so_many_tokens_are_remembered_and_the_one_used_last_is(desk: Desk) -> None:
    """Memory is bounded whatever callers send, and refused tokens take none of it."""
    (key,) = parse_jwks(desk.path.read_bytes()).values()
    source = CountingSource(key)
    verifier = TokenVerifier(source, desk.clock, remembered=2)
    first, second, third = (desk.token(jti=f"tok_{number}") for number in range(3))
    for token in (first, second, first, third):
        verifier.verify(token)
    for number in range(10):
        with pytest.raises(Unauthenticated):
            verifier.verify(desk.token(aud="other", jti=str(number)))
    asked = source.asked
    verifier.verify(first)
    assert source.asked == asked
    verifier.verify(second)
    assert source.asked == asked + 1
    assert len(verifier._memory) == 2


def test_a_key_withdrawn_withdraws_its_tokens_and_a_key_added_lets_its_in(desk: Desk) -> None:
    """Keys are exchanged without a restart, within seconds."""
    old = desk.issuer.issue("stf_1", "org_1", ["clerk"], HOUR)
    desk.verifier.verify(old)
    successor = TokenIssuer(Ed25519PrivateKey.generate(), clock=desk.clock)
    desk.publish(successor.jwks())
    desk.clock.advance(timedelta(seconds=2))
    assert "not known here" in desk.refusal(old)
    assert desk.verifier.verify(successor.issue("stf_2", "org_1", [], HOUR)).subject == "stf_2"


def test_unknown_keys_do_not_make_the_file_read_at_every_call(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forged key ids cost the forger more than us: one look per interval."""
    looks = []
    monkeypatch.setattr(JwksFile, "_read_if_changed", lambda _self: looks.append(1))
    for _ in range(20):
        with pytest.raises(Unavailable):
            desk.verifier.verify(desk.token(header={"kid": os.urandom(4).hex()}))
    assert len(looks) == 1
    desk.clock.advance(timedelta(seconds=2))
    with pytest.raises(Unavailable):
        desk.verifier.verify(desk.token(header={"kid": "x"}))
    assert len(looks) == 2


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"keys": []}', b'{"keys": 5}', b"\xff", b"null"])
def test_a_broken_or_missing_file_keeps_the_keys_known_before(desk: Desk, content: bytes) -> None:
    """Half a file, or none for a moment, locks nobody out."""
    token = desk.token()
    desk.verifier.verify(token)
    desk.path.write_bytes(content)
    desk.clock.advance(timedelta(seconds=5))
    assert desk.verifier.verify(desk.token(jti="tok_2")).token_id == "tok_2"
    desk.path.unlink()
    desk.clock.advance(timedelta(seconds=5))
    assert desk.verifier.verify(desk.token(jti="tok_3")).token_id == "tok_3"


def test_without_any_keys_the_answer_is_that_verifying_is_unavailable(tmp_path: Path) -> None:
    """A caller with a good token is not told it is bad when it is we who have no keys; later it is let in."""
    desk = Desk(tmp_path)
    desk.path.unlink()
    with pytest.raises(Unavailable, match=r"jwks\.json"):
        desk.verifier.verify(desk.token())
    desk.publish(desk.issuer.jwks())
    desk.clock.advance(timedelta(seconds=2))
    assert desk.verifier.verify(desk.token()).subject == "stf_1"


def test_a_clock_set_back_does_not_stop_the_looking_for_new_keys(desk: Desk) -> None:
    """A corrected clock must not freeze the keys until it catches up."""
    desk.verifier.verify(desk.token())
    desk.clock.set(NOW - timedelta(days=1))
    successor = TokenIssuer(Ed25519PrivateKey.generate(), clock=desk.clock)
    desk.publish(successor.jwks())
    assert desk.verifier.verify(successor.issue("stf_2", "org_1", [], HOUR)).subject == "stf_2"


def test_only_keys_that_can_verify_safely_are_taken_from_a_jwks(desk: Desk) -> None:
    """Shared secrets, RSA, other curves, encryption keys and nameless keys are left out."""
    good = desk.issuer.jwks()["keys"][0]
    bad = [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "hmac", "alg": "HS256"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "hmac2", "alg": "EdDSA", "crv": "Ed25519"},
        {"kty": "RSA", "kid": "rsa", "n": "AQAB", "e": "AQAB"},
        {"kty": "EC", "crv": "P-384", "kid": "p384", "x": "AA", "y": "AA"},
        {**good, "kid": "enc", "use": "enc"},
        {**good, "kid": "other", "alg": "HS256"},
        {**good, "kid": ""},
        {**good, "kid": "short", "x": "AA"},
        "nonsense",
    ]
    assert set(parse_jwks(json.dumps({"keys": [*bad, good]}).encode())) == {good["kid"]}
    with pytest.raises(ValidationFailed, match="no usable key"):
        parse_jwks(json.dumps({"keys": bad}).encode())


def test_a_private_key_left_in_a_jwks_is_not_kept(desk: Desk) -> None:
    """Verifying needs the public part only."""
    private = unpadded(desk.private_key.private_bytes_raw())
    document = {"keys": [{**desk.issuer.jwks()["keys"][0], "d": private}]}
    (key,) = parse_jwks(json.dumps(document).encode()).values()
    assert not hasattr(key.key, "sign")


def test_keys_from_a_url_are_fetched_for_an_unknown_key_and_otherwise_rarely(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The login server is asked every five minutes, and at most every ten seconds for a key not known."""
    fetched: list[str] = []
    answer = [desk.path.read_bytes()]

    def fetch(url: str, timeout: float) -> io.BytesIO:
        fetched.append(url)
        if not answer:
            raise OSError("away")
        return io.BytesIO(answer[0])

    monkeypatch.setattr("urllib.request.urlopen", fetch)
    verifier = TokenVerifier(JwksUrl("https://login.example/jwks.json"), desk.clock)
    for number in range(5):
        verifier.verify(desk.token(jti=f"tok_{number}"))
    assert fetched == ["https://login.example/jwks.json"]

    successor = TokenIssuer(Ed25519PrivateKey.generate(), clock=desk.clock)
    newer = successor.issue("stf_2", "org_1", [], HOUR)
    answer[0] = json.dumps({"keys": desk.issuer.jwks()["keys"] + successor.jwks()["keys"]}).encode()
    with pytest.raises(Unauthenticated):
        verifier.verify(newer)
    desk.clock.advance(timedelta(seconds=10))
    assert verifier.verify(newer).subject == "stf_2"
    assert len(fetched) == 2

    answer.clear()
    desk.clock.advance(timedelta(minutes=5))
    assert verifier.verify(newer).subject == "stf_2"
    assert len(fetched) == 3


def test_keys_come_from_exactly_one_http_url_or_file(tmp_path: Path) -> None:
    """A URL of another scheme would read local files; two places would leave open which one counts."""
    assert isinstance(key_source(file=tmp_path), JwksFile)
    assert isinstance(key_source(url="https://login.example/jwks.json"), JwksUrl)
    for wrong in ({}, {"file": tmp_path, "url": "https://x"}, {"url": "file:///etc/passwd"}):
        with pytest.raises(ValidationFailed):
            key_source(**wrong)


def test_only_keys_we_verify_can_issue(tmp_path: Path) -> None:
    """A key that no verifier takes is refused when the issuer is made, not at the first call."""
    with pytest.raises(ValidationFailed, match="P-256"):
        TokenIssuer(ec.generate_private_key(ec.SECP384R1()))
    for content in (b"", b"not a key"):
        (tmp_path / "key.pem").write_bytes(content)
        with pytest.raises(ValidationFailed, match=r"key\.pem"):
            TokenIssuer.from_pem(tmp_path / "key.pem")
    with pytest.raises(ValidationFailed):
        TokenIssuer.from_pem(tmp_path / "gone.pem")


def test_a_caller_without_a_needed_role_is_told_which_roles_would_do() -> None:
    """One of the roles is enough; none refuses, naming the roles and not the caller."""
    caller = Caller("stf_1", "org_1", None, frozenset({"clerk"}), "tok_1")
    require_role(caller, ["lead", "clerk"])
    require_role(caller, "clerk")
    with pytest.raises(Forbidden) as refused:
        require_role(caller, {"lead", "admin"})
    assert str(refused.value) == "this needs one of the roles admin, lead"
    assert refused.value.details == {"roles_needed": ["admin", "lead"]}
    with pytest.raises(Forbidden, match="the role lead"):
        require_role(caller, "lead")
    with pytest.raises(Forbidden, match="no role may"):
        require_role(caller, [])
