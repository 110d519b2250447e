"""The private local stack: a broker, a database and the services as child processes of this one.

For trying the product and for tests. Nothing here is meant for production: there the broker and the
database are somebody's managed servers and the services run in containers.
"""
