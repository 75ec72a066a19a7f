"""The one door to Proxmox VE's REST API (proxmoxer). Its types and errors stop here; never knows an embedded node from a real one."""
