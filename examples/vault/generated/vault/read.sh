# Made by postern 0.1.0 from the spec "vault-proxy", sha256:04ae4ba48b0cb70a
# DO NOT EDIT: change the spec and run "postern generate".
# Prints what Vault has in place of what apply.sh wrote: sh read.sh > live.json, with VAULT_ADDR and VAULT_TOKEN set, and
# VAULT=bao for OpenBao. Then: postern diff --live vault=live.json
set -eu
VAULT=${VAULT:-vault}

# Where nothing is there the answer is null. What may not be read ends it, in the middle, so that nobody takes it for whole.
answer() {
  printf '{ "path": "%s", "answer":\n' "$1"
  if { said=$("$VAULT" read -format=json "$1" 2>&1 >&3); } 3>&1; then
    :
  elif [ "${said#No value found}" != "$said" ]; then
    echo null
  else
    printf '%s\n' "$said" >&2
    exit 1
  fi
  echo '}'
}

answer sys/policies/acl/vault-proxy
answer auth/kubernetes/role/vault-proxy
answer gitlab/config/main
answer gitlab/roles/partner
