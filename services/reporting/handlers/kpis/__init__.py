"""Use cases of key figures: computing them, telling what is behind them, judging them, taking reported ones."""
