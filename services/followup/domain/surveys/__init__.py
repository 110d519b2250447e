"""Satisfaction surveys (满意度调查): kinds, waves, samples, invitations, answers and what they come to."""
