"""What this machine has and lacks: each check returns findings, says what to type, and changes nothing."""
