"""What matters add to the figures of their days, and how a change of that is taken over exactly once."""
