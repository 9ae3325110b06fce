"""A backbone with latents: load, encode, logits, generate."""
