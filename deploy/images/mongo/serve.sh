#!/bin/sh
# Starts the embedded database the one way Kefu relies on. Options meant for mongod, which compose passes to
# whichever image stands behind the name, are not this server's and are left aside.
#
# --sync-on-commit: without it a killed server loses writes it had acknowledged.
# --standalone:     otherwise it names itself as the member of a replica set, and drivers in other
#                   containers would follow that name instead of the address they were given.
exec /opt/secantus/bin/secantusd-py --host 0.0.0.0 --port 27017 --storage-path /data/db \
  --standalone --sync-on-commit --cache-size "${KEFU_STANDIN_CACHE:-256M}" --log-level WARNING
