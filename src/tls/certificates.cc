#include "tls/certificates.h"

#include <utility>

namespace thaw::tls {

std::string normalize_name(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  std::string name(host);
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return name;
}

void Certificates::add(SharedCertificate certificate) {
  for (const std::string& name : certificate->names()) by_name_.emplace(name, certificate);
}

SharedCertificate Certificates::find(std::string_view host) const {
  if (host.empty() || by_name_.empty()) return nullptr;
  const std::string name = normalize_name(host);
  if (name.starts_with('*')) return nullptr;  // no host has that name
  auto found = by_name_.find(name);
  const size_t dot = name.find('.');
  if (found == by_name_.end() && dot != std::string::npos && dot > 0) {
    found = by_name_.find("*" + name.substr(dot));
  }
  return found == by_name_.end() ? nullptr : found->second;
}

SharedCertificate Certificates::choose(std::string_view host) const {
  auto found = find(host);
  return found != nullptr ? found : default_;
}

}  // namespace thaw::tls
