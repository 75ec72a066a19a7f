"""What specs see: testinfra's host over our ssh connection, and the container's resolved configuration."""
