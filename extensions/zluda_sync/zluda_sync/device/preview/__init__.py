"""Pictures of finished steps: latents are projected and copied behind the steps, at almost no cost."""
