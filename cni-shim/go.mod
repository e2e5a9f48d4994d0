module meltemi.dev/cni-shim

go 1.24
