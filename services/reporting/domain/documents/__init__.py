"""What report documents say, whatever they are written as."""
