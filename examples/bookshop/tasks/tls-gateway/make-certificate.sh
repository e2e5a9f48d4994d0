#!/bin/sh
# Makes a self-signed certificate for shop.example.com and prints the Secret that the Gateway names.
# The certificate, without its key, is left beside this script for curl's --cacert.
set -eu
folder=$(cd "$(dirname "$0")" && pwd)
keys=$(mktemp -d)
trap 'rm -rf "$keys"' EXIT
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
  -subj /CN=shop.example.com -addext subjectAltName=DNS:shop.example.com \
  -keyout "$keys/tls.key" -out "$keys/tls.crt" 2>/dev/null
cp "$keys/tls.crt" "$folder/bookshop.crt"
cat <<SECRET
apiVersion: v1
kind: Secret
type: kubernetes.io/tls
metadata:
  name: bookshop-certificate
  namespace: bookshop
data:
  tls.crt: $(base64 -w0 "$keys/tls.crt")
  tls.key: $(base64 -w0 "$keys/tls.key")
SECRET
