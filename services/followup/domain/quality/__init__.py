"""Quality checks (质检): what is sampled, how it is scored, what a text is scanned for."""
