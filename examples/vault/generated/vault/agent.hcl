# Made by postern 0.1.0 from the spec "vault-proxy", sha256:0a49a9b6384b8c14
# DO NOT EDIT: change the spec and run "postern generate".
# Run in the folder above this one: vault agent -config=vault/agent.hcl, or bao agent -config=vault/agent.hcl
# nginx/secrets/keys.conf is worked out of the keys, which no template can: "postern secrets render --keys" writes it.

vault {
  address = "https://vault.example.com:8200"
}

auto_auth {
  method {
    type       = "kubernetes"
    mount_path = "auth/kubernetes"
    config = {
      role = "vault-proxy"
    }
  }
}

# An Agent that cannot go on ends, and the files stay as they are: whatever starts it again says so.
template_config {
  exit_on_retry_failure = true
}

template {
  source               = "vault/caddy-keys.ctmpl"
  destination          = "caddy/secrets/keys"
  perms                = "0600"
  error_on_missing_key = true
  exec {
    command = ["caddy", "reload", "--config", "caddy/Caddyfile"]
    timeout = "30s"
  }
}

template {
  source               = "vault/nginx-tokens.conf.ctmpl"
  destination          = "nginx/secrets/tokens.conf"
  perms                = "0600"
  error_on_missing_key = true
  exec {
    command = ["nginx", "-p", "nginx/", "-c", "nginx.conf", "-s", "reload"]
    timeout = "30s"
  }
}
