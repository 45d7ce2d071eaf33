"""Control messages between clients and the probe, and the endpoints they meet at."""
