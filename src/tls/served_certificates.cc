#include "tls/served_certificates.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "tls/private_file.h"

namespace thaw::tls {
namespace {

constexpr ByteCount kLargest = mib(1);
constexpr Duration kRenewOwn = std::chrono::hours(24 * 10);  // before its end

std::string mark_of(const CertificateSource& place) {
  return file_mark(place.chain) + "/" + file_mark(place.key);
}

}  // namespace

Result<std::vector<CertificateSource>> find_pairs(io::Disk& disk, const std::string& folder) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, disk.list(folder));
  std::vector<CertificateSource> found;
  for (const std::string& name : names) {
    const std::string path = folder + "/" + name;
    for (const auto& [chain, key] :
         {std::pair{"/fullchain.pem", "/privkey.pem"}, std::pair{"/tls.crt", "/tls.key"}}) {
      if (disk.exists(path + chain)) found.push_back({path + chain, path + key});
    }
    const std::string stem = path.substr(0, path.size() - std::min<size_t>(path.size(), 4));
    const bool is_chain = name.ends_with(".crt") || name.ends_with(".pem");
    if (is_chain && disk.exists(stem + ".key")) found.push_back({path, stem + ".key"});
  }
  if (!found.empty()) return found;
  return Error(Code::kNotFound,
               fmt::format("{}: holds no certificate with its key; NAME.crt and NAME.key, or "
                           "NAME/fullchain.pem and NAME/privkey.pem, are looked for",
                           folder));
}

ServedCertificates::ServedCertificates(io::Disk& disk, io::Clock& clock, const Authority* authority,
                                       Sources sources)
    : disk_(disk), clock_(clock), authority_(authority), sources_(std::move(sources)) {}

Result<ServedCertificates::Places> ServedCertificates::places() const {
  Places all = sources_.files;
  if (sources_.folder.empty()) return all;
  ASSIGN_OR_RETURN(Places found, find_pairs(disk_, sources_.folder));
  std::move(found.begin(), found.end(), std::back_inserter(all));
  return all;
}

Result<SharedCertificate> ServedCertificates::read(const CertificateSource& place) const {
  ASSIGN_OR_RETURN(const std::string chain, disk_.read_file(place.chain, kLargest));
  ASSIGN_OR_RETURN(const std::string key, read_private_file(disk_, place.key, kLargest));
  ASSIGN_OR_RETURN(Certificate certificate, Certificate::parse(chain, key, place));
  RETURN_IF_ERROR(certificate.check_time(clock_.wall_now(), place));
  return std::make_shared<const Certificate>(std::move(certificate));
}

Status ServedCertificates::load() {
  ASSIGN_OR_RETURN(const Places all, places());
  for (const CertificateSource& place : all) {
    std::string mark = mark_of(place);  // before it is read, so that no change is missed
    ASSIGN_OR_RETURN(SharedCertificate certificate, read(place));
    if (certificate->names().empty()) {
      log_warning("a certificate names no host: it is served only where no other fits",
                  {{"file", place.chain}});
    }
    order_.push_back(place.chain);
    kept_[place.chain] = {std::move(mark), std::move(certificate)};
  }
  rebuild();
  return {};
}

ServedCertificates::Changes ServedCertificates::look_for_changes() {
  Changes changes;
  auto all = places();
  if (!all) {
    changes.faults.push_back(all.error().message());
    return changes;
  }
  std::vector<std::string> order;
  for (const CertificateSource& place : *all) {
    Kept& kept = kept_[place.chain];
    std::string mark = mark_of(place);
    if (mark != kept.mark) {
      kept.mark = std::move(mark);
      if (auto certificate = read(place)) {
        kept.certificate = *std::move(certificate);
        ++changes.read;
      } else {
        changes.faults.push_back(certificate.error().message());
      }
    }
    if (kept.certificate != nullptr) order.push_back(place.chain);
  }
  order_ = std::move(order);
  std::erase_if(kept_, [&](const auto& entry) {
    return std::none_of(all->begin(), all->end(),
                        [&](const auto& place) { return place.chain == entry.first; });
  });
  rebuild();
  return changes;
}

void ServedCertificates::reload() {
  const Changes changes = look_for_changes();
  for (const std::string& fault : changes.faults) {
    log_error("a changed certificate is not used; the one before stays", {{"why", fault}});
  }
  if (changes.read > 0) {
    log_info("certificates were read anew; new connections get them",
             {{"certificates", changes.read}});
  }
}

void ServedCertificates::rebuild() {
  Certificates map;
  default_ = nullptr;
  for (const std::string& path : order_) {
    map.add(kept_[path].certificate);
    if (default_ == nullptr) default_ = kept_[path].certificate;
  }
  for (const auto& [domain, certificate] : issued_) map.add(certificate);
  map_ = std::move(map);
}

void ServedCertificates::set_issued(const std::string& domain, SharedCertificate certificate) {
  issued_[domain] = std::move(certificate);
  rebuild();
}

void ServedCertificates::remove_issued(const std::string& domain) {
  if (issued_.erase(domain) > 0) rebuild();
}

SharedCertificate ServedCertificates::choose(std::string_view asked) {
  const std::string host = normalize_name(asked);
  if (auto found = map_.find(host)) return found;
  if (auto made = own(host)) return made;
  if (default_ != nullptr) return default_;
  return own(sources_.authority_names.empty() ? "" : sources_.authority_names.front());
}

/// From the authority; null when it may not stand for the name.
SharedCertificate ServedCertificates::own(std::string_view host) {
  if (authority_ == nullptr) return nullptr;
  const auto& names = sources_.authority_names;
  const bool is_listed = std::find(names.begin(), names.end(), host) != names.end();
  const std::string& below = sources_.authority_below;
  const bool is_below = !below.empty() && host.size() > below.size() + 1 && host.ends_with(below) &&
                        host[host.size() - below.size() - 1] == '.';
  if (!is_listed && !(is_below && is_host_name(host) && !host.starts_with('*'))) return nullptr;
  const std::string key(is_listed ? "" : host);
  const WallTime now = clock_.wall_now();
  const auto found = own_.find(key);
  if (found != own_.end() && found->second->not_after() - now > kRenewOwn) return found->second;
  auto made = authority_->issue(is_listed ? names : std::vector<std::string>{key}, now);
  if (!made) {
    log_error("the local authority issues no certificate", {{"why", made.error().message()}});
    return nullptr;
  }
  if (own_.size() >= kRemembered) own_.clear();
  return own_[key] = std::make_shared<const Certificate>(*std::move(made));
}

}  // namespace thaw::tls
