#!/usr/bin/env bash
# Makes the certificates of the TLS tests: test keys, good for nothing else. Valid for a hundred years,
# but for the one that has expired.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

authority() { # name
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -sha256 \
        -subj "/CN=Test authority $1" -keyout "$work/$1.key" -out "$1.crt" \
        -addext basicConstraints=critical,CA:true -addext keyUsage=critical,keyCertSign 2>/dev/null
    mkdir "$work/$1" && touch "$work/$1/index" && echo 01 >"$work/$1/serial"
}

certificate() { # authority, name, subject alternative name, extra options of `openssl ca`
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 -subj "/CN=$2" \
        -keyout "$2.key" -out "$work/$2.csr" 2>/dev/null
    cat >"$work/ca.cnf" <<EOF
[ca]
default_ca = it
[it]
database = $work/$1/index
serial = $work/$1/serial
new_certs_dir = $work/$1
policy = any
default_md = sha256
unique_subject = no
x509_extensions = leaf
[any]
commonName = supplied
[leaf]
basicConstraints = critical,CA:false
subjectAltName = $3
EOF
    openssl ca -batch -notext -config "$work/ca.cnf" -cert "$1.crt" -keyfile "$work/$1.key" \
        -in "$work/$2.csr" -out "$2.crt" "${@:4}" 2>/dev/null
}

authority ca
authority other-ca
certificate ca peer IP:127.0.0.1 -days 36499
certificate ca elsewhere IP:192.0.2.7,DNS:elsewhere.invalid -days 36499
certificate ca expired IP:127.0.0.1 -startdate 20200101000000Z -enddate 20200102000000Z
certificate other-ca stranger IP:127.0.0.1 -days 36499
