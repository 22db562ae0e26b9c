# Made by postern 0.1.0 from the spec "vault-proxy", sha256:8da627014371fdcf
# DO NOT EDIT: change the spec and run "postern generate".
# What the spec reads, and nothing else.

path "gitlab/token/partner" {
  capabilities = ["read"]
}

path "secret/data/postern/partner" {
  capabilities = ["read"]
}
