"""Training: two stages of `transformers.Trainer`, the checkpoint chosen by generated answers."""
