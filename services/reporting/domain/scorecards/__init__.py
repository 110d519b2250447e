"""Scorecards (考核): what a month's records come to for each person, line by line."""
