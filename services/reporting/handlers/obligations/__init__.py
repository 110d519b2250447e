"""Use cases of obligations: open what begins, take proofs, answer who owes what."""
