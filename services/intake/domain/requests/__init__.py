"""What becomes of contacts that are no complaints: needs, repairs, orders, enquiries, tasks."""
