"""What a call may say: the schema of a release, its formats and property strings, and the check of parameters."""
