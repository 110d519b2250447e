"""Money for the customer (赔偿、减价、退换货): what is offered, who approves it, what is paid and where it is filed."""
