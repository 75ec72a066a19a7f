"""The one door to Docker: find or install the engine, choose container options, make the base image."""
