"""LIVR: Latent Implicit Visual Reasoning."""
