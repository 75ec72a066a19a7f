"""Stand-ins that speak the real systems' own protocols. Share no code with the clients (pve, forge); may use kit."""
