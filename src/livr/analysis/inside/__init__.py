"""Looking into a model and changing what is inside: attention weights, states, latents' content."""
