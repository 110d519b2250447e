"""Who must sign for what: a matrix by kind, level and sum, signatures in their order, mandates that expire.

Pure. What is signed for, and what follows from it, is the service's own affair.
"""

from shared.authority.holding import must_be_granted, must_hold
from shared.authority.mandates import Mandate
from shared.authority.matrix import Authority, Place, authority_for, faults_of
from shared.authority.signatures import Signature, Signer, Standing, sign, standing

__all__ = [
    "Authority",
    "Mandate",
    "Place",
    "Signature",
    "Signer",
    "Standing",
    "authority_for",
    "faults_of",
    "must_be_granted",
    "must_hold",
    "sign",
    "standing",
]
