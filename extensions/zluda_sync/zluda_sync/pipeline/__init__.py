"""The pipeline ring: follows one diffusers pipeline, without any host."""
