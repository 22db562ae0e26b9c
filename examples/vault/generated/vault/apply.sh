# Made by postern 0.1.0 from the spec "vault-proxy", sha256:419e572704c02959
# DO NOT EDIT: change the spec and run "postern generate".
# Writes the policy and the roles: sh apply.sh, with VAULT_ADDR and VAULT_TOKEN set; for OpenBao set VAULT=bao.
set -eu
cd "$(dirname "$0")"
VAULT=${VAULT:-vault}

# The token of the plugin is in no file. Somebody types it in, once:
#   vault write gitlab/config/main @config/gitlab/main.json token=-
# and what else changes later:
#   vault patch gitlab/config/main @config/gitlab/main.json

"$VAULT" policy write vault-proxy policy.hcl
"$VAULT" write auth/kubernetes/role/vault-proxy @login.json
"$VAULT" write gitlab/roles/partner @roles/gitlab/partner.json
