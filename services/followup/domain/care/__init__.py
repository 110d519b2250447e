"""Care (客户关怀): campaigns, reminders and notices to many customers."""
