"""Obligations (定期义务): what somebody has to do again and again, until when, and whether it was done."""
