"""The embedded Proxmox VE node: PVE's REST API in front of real systemd containers."""
