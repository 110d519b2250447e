"""Personal data: what class it has, who sees it, who asked to read, export or erase it, and who did."""
