"""Whose customer this is: one customer entered twice, conflicts over it, who owns it, its grade, its allocation."""
