"""What must run before any package is installed: standard library only, nothing of Django."""
