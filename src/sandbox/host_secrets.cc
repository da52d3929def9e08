#include <string_view>

#include "sandbox/private_mounts.h"

namespace thaw::sandbox {
namespace {

/// Files and folders that root owns and that a program in an instance, being uid 0 without
/// CAP_DAC_OVERRIDE, could otherwise read; and folders of daemons' sockets, which trust uid 0.
constexpr std::string_view kOfTheSystem[] = {"/etc/shadow",
                                             "/etc/shadow-",
                                             "/etc/gshadow",
                                             "/etc/gshadow-",
                                             "/etc/security/opasswd",
                                             "/etc/ssl/private",
                                             "/etc/letsencrypt",
                                             "/etc/wireguard",
                                             "/etc/openvpn",
                                             "/etc/ipsec.secrets",
                                             "/etc/ipsec.d",
                                             "/etc/swanctl",
                                             "/etc/ppp",
                                             "/etc/krb5.keytab",
                                             "/etc/kubernetes",
                                             "/etc/rancher",
                                             "/etc/docker",
                                             "/etc/boto.cfg",
                                             "/etc/google",
                                             "/etc/NetworkManager",
                                             "/etc/netplan",
                                             "/etc/wpa_supplicant",
                                             "/etc/sudoers",
                                             "/etc/sudoers.d",
                                             "/etc/mysql/debian.cnf",
                                             "/etc/redis",
                                             "/etc/postfix/sasl",
                                             "/etc/apt/auth.conf",
                                             "/etc/apt/auth.conf.d",
                                             "/var/backups",
                                             "/var/cache/debconf",
                                             "/var/crash",
                                             "/var/log",
                                             "/var/mail",
                                             "/var/spool",
                                             "/var/lib/cloud",
                                             "/var/lib/containerd",
                                             "/var/lib/containers",
                                             "/var/lib/docker",
                                             "/var/lib/incus",
                                             "/var/lib/kubelet",
                                             "/var/lib/libvirt",
                                             "/var/lib/lxc",
                                             "/var/lib/lxd",
                                             "/var/lib/NetworkManager",
                                             "/var/lib/private",
                                             "/var/lib/rancher",
                                             "/var/lib/redis",
                                             "/var/lib/sss",
                                             "/var/lib/systemd",
                                             "/var/snap",
                                             "/boot"};

/// Below the home folders of root and of users.
constexpr std::string_view kInHomes[] = {".ssh",
                                         ".gnupg",
                                         ".pki",
                                         ".aws",
                                         ".azure",
                                         ".boto",
                                         ".gsutil",
                                         ".config/gcloud",
                                         ".config/gh",
                                         ".config/hub",
                                         ".config/doctl",
                                         ".config/rclone",
                                         ".config/containers",
                                         ".kube",
                                         ".docker",
                                         ".oci",
                                         ".terraform.d",
                                         ".netrc",
                                         ".git-credentials",
                                         ".config/git/credentials",
                                         ".npmrc",
                                         ".yarnrc.yml",
                                         ".pypirc",
                                         ".config/pip",
                                         ".pip",
                                         ".cargo/credentials",
                                         ".cargo/credentials.toml",
                                         ".m2/settings.xml",
                                         ".gradle/gradle.properties",
                                         ".pgpass",
                                         ".my.cnf",
                                         ".mylogin.cnf",
                                         ".rediscli_auth",
                                         ".vault-token",
                                         ".password-store",
                                         ".local/share/keyrings",
                                         ".mozilla",
                                         ".config/google-chrome",
                                         ".config/chromium",
                                         ".claude",
                                         ".claude.json",
                                         ".cache/huggingface/token",
                                         ".huggingface",
                                         ".kaggle",
                                         ".wandb",
                                         ".bash_history",
                                         ".zsh_history",
                                         ".python_history",
                                         ".psql_history",
                                         ".mysql_history",
                                         ".rediscli_history",
                                         ".node_repl_history",
                                         ".lesshst",
                                         ".viminfo"};

}  // namespace

std::vector<std::string> host_secrets(io::Disk& disk) {
  std::vector<std::string> paths(std::begin(kOfTheSystem), std::end(kOfTheSystem));
  std::vector<std::string> homes = {"/root"};
  for (const std::string& user : disk.list("/home").value_or(std::vector<std::string>{})) {
    homes.push_back("/home/" + user);
  }
  for (const std::string& home : homes) {
    for (std::string_view leaf : kInHomes) paths.push_back(home + "/" + std::string(leaf));
  }
  for (const std::string& name : disk.list("/etc/ssh").value_or(std::vector<std::string>{})) {
    if (name.ends_with("_key")) paths.push_back("/etc/ssh/" + name);
  }
  return paths;
}

}  // namespace thaw::sandbox
