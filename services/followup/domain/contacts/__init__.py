"""Contacts with customers (客户联系): how many of them, how often, and who was left out."""
