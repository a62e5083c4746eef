"""The lane for real GPUs: networks of real sizes in bare loops, without any host."""
