"""What the user wants of a request and of its job: Stop, Skip, Pause; what a press was meant for."""
