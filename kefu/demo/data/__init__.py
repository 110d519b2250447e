"""The Chinese phrases of the demo day, one file a trade, and the words all trades share."""
