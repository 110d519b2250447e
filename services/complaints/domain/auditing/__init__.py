"""Auditing (自查): what must hold of every case, offer, penalty, ledger and month, found from what is kept of it."""
