#include "app/tls_room.h"

#include "base/log.h"

namespace thaw::app {
namespace {

constexpr Duration kLookEvery = seconds(5);

std::vector<std::string> names_for(const std::string& more, const io::SocketAddress& address) {
  std::vector<std::string> names{"localhost", "127.0.0.1", "::1"};
  if (more != "localhost") names.push_back(more);
  const std::string& ip = address.ip;
  if (ip != "127.0.0.1" && ip != "::1" && ip != "0.0.0.0" && ip != "::") names.push_back(ip);
  return names;
}

}  // namespace

Status TlsRoom::open(const UpOptions& options) {
  if (!options.tls_address) return {};
  ASSIGN_OR_RETURN(
      authority_, tls::Authority::load_or_make(disk_, options.data_dir + "/tls", loop_.wall_now()));
  tls::ServedCertificates::Sources sources{
      .files = {},
      .folder = options.tls_certificates,
      .authority_names = names_for(options.base_domain, *options.tls_address),
      .authority_below = options.base_domain};
  if (!options.tls_certificate.empty()) {
    sources.files.push_back({options.tls_certificate, options.tls_key});
  }
  services_.emplace(disk_, loop_, &*authority_, std::move(sources));
  RETURN_IF_ERROR(services_->load());
  services_context_.emplace([this](auto host) { return services_->choose(host); });
  services_net_.emplace(net_, loop_, *services_context_);
  watch();
  return {};
}

void TlsRoom::reload() {
  if (services_) services_->reload();
}

void TlsRoom::watch() {
  watching_ = loop_.after(kLookEvery, [this] {
    reload();
    watch();
  });
}

}  // namespace thaw::app
