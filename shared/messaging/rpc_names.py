"""Names both sides of an RPC agree on."""

#: Argument that every command needs and every query tolerates.
IDEMPOTENCY_KEY = "idempotency_key"
