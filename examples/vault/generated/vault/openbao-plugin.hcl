# Made by postern 0.1.0 from the spec "vault-proxy", sha256:fc80654bc303009f
# DO NOT EDIT: change the spec and run "postern generate".
# Belongs into the configuration of the OpenBao server, together with:
#   plugin_directory     = "/path"
#   plugin_auto_download = true
#   plugin_auto_register = true
plugin "secret" "gitlab" {
  image       = "ghcr.io/ilijamt/vault-plugin-secrets-gitlab"
  version     = "v0.12.1"
  binary_name = "vault-plugin-secrets-gitlab"
  sha256sum   = "4fb9d72f5d176201cd6c61a8f6c422e4732ebfd5377ae0df120ee2c20cc758cd"
}
