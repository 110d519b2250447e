#!/bin/sh
# Makes the secrets of a compose stack in the folder given, once, and lets each process read only its own.
# Runs in the kefu image as root, with no network. Repeating it changes no secret, and with the same image it
# does nothing: compose runs it before every start, and before every command of the operator.
#
# Every service's image has a user of its own (10001 ... 10004), so that one volume can hold all secrets and
# none of them is open to its neighbours. What is left over belongs to the operator's command (10000): the key
# that signs demonstration tokens and the broker users of the operator and the publishers.
set -eu
folder=${1:-/secrets}
# What the image's code is; a folder that carries the same was prepared by it, whole.
code=/app/contents.sha256
mark=$folder/.prepared-by

! cmp -s "$code" "$mark" || exit 0
rm -f "$mark"

python -m kefu prepare "$folder" --broker-host rabbitmq

chown -R 10000:10000 "$folder"
chmod 0755 "$folder"
find "$folder" -type f -exec chmod 0400 {} +
# Public keys; and the broker's users, whose passwords are salted hashes of random strings. The broker's own
# user differs from image to image, so its file cannot be given to one.
chmod 0444 "$folder/jwks.json" "$folder/definitions.json"
id=10001
for service in intake complaints followup reporting; do
  chown "$id:$id" "$folder/broker_url_$service"
  id=$((id + 1))
done
# By what customers are found by their phone numbers: intake's alone. What signs the links of surveys: followup's alone.
chown 10001:10001 "$folder/phone_key"
chown 10003:10003 "$folder/survey_key"
cp "$code" "$mark"
