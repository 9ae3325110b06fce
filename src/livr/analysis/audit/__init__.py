"""Are the latents used, and for what they carry? One test per file, one finding per claim."""
