"""A small text-to-image model of coloured shapes and scenes: its language, its pictures, its training."""
