#!/bin/sh
# make_certificates.sh DIR: a CA (ca.pem), and under it certificates for 127.0.0.1 (good), for another
# host (other) and one whose days are over (expired), each NAME.pem with its NAME.key.
set -eu
cd "$1"
new_key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
openssl req -x509 $new_key -keyout ca.key -out ca.pem -subj "/CN=A CA of the tests" -days 2
make() { # NAME SUBJECT-ALTERNATIVE-NAME DAYS
    openssl req $new_key -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" -addext "subjectAltName=$2"
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -days "$3" -copy_extensions copy -out "$1.pem"
}
make good IP:127.0.0.1 2
make other DNS:other.test 2
make expired IP:127.0.0.1 -1
