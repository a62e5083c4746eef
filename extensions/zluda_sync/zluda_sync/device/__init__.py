"""Events, barriers and latents, on torch. Knows nothing of any host."""
