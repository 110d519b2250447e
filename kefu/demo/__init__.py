"""The day of made-up contacts that shows the product at work."""
