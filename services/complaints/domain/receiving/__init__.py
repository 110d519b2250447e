"""Pure parts of receiving complaints: claims, sources, record cards, overdue rules and the register."""
