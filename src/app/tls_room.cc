#include "app/tls_room.h"

#include <fmt/format.h>

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
  if (!options.tls_address && !options.api_tls_address) return {};
  ASSIGN_OR_RETURN(
      authority_, tls::Authority::load_or_make(disk_, options.data_dir + "/tls", loop_.wall_now()));
  if (options.tls_address) RETURN_IF_ERROR(open_services(options));
  if (options.api_tls_address) open_api(options);
  return {};
}

Status TlsRoom::open_services(const UpOptions& options) {
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

/// The API answers to names that no public name server knows; see api/guard.h.
void TlsRoom::open_api(const UpOptions& options) {
  api_.emplace(disk_, loop_, &*authority_,
               tls::ServedCertificates::Sources{
                   .files = {},
                   .folder = "",
                   .authority_names = names_for("localhost", *options.api_tls_address),
                   .authority_below = "local"});
  api_context_.emplace([this](auto host) { return api_->choose(host); });
  api_net_.emplace(net_, loop_, *api_context_);
}

namespace {

/// As a value of Python's configparser, which takes '%' for a reference.
std::string boto_value(std::string_view text) {
  std::string value;
  for (const char c : text) {
    value += c;
    if (c == '%') value += c;
  }
  return value;
}

}  // namespace

Result<std::string> TlsRoom::write_boto(const std::string& folder, const io::SocketAddress& api) {
  const std::string path = folder + "/boto.cfg";
  const std::string host =
      api.ip == "0.0.0.0" || api.ip.find(':') != api.ip.npos ? "localhost" : api.ip;
  RETURN_IF_ERROR(disk_.write_file_durably(
      path, fmt::format("# Points gsutil at Thaw; written anew at each start.\n"
                        "[Credentials]\n"
                        "gs_json_host = {0}\ngs_json_port = {1}\ngs_host = {0}\ngs_port = {1}\n"
                        "gs_pubsub_host = {0}\ngs_pubsub_port = {1}\n"
                        "[Boto]\n"
                        "ca_certificates_file = {2}\nhttps_validate_certificates = True\n"
                        "[GSUtil]\n"
                        "default_project_id = thaw\nprefer_api = json\n",
                        host, api.port, boto_value(root_path()))));
  return path;
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
