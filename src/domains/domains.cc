#include "domains/domains.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "domains/signing_request.h"
#include "tls/authority.h"
#include "tls/private_file.h"

namespace thaw::domains {
namespace {

constexpr ByteCount kLargest = mib(1);
constexpr Duration kLookAgain = std::chrono::hours(1);  // at most: the wall clock may be set

}  // namespace

struct Domains::Order {
  Order(const Parts& parts, const Options& options, const AccountKey& key, std::string domain,
        SigningRequest made)
      : request(std::move(made)),
        core({.directory = options.directory,
              .domain = std::move(domain),
              .request = request.der,
              .thumbprint = key.thumbprint(),
              .email = options.email}),
        calls({parts.net, parts.loop, parts.names, *parts.roots}, key) {}

  SigningRequest request;
  AcmeOrder core;
  AcmeCalls calls;
  io::Timer pause;
};

Domains::Domains(Parts parts, Options options)
    : parts_(parts), options_(std::move(options)), catalog_(parts.database) {}

Domains::~Domains() = default;

std::string Domains::path_of(const std::string& domain) const {
  return fmt::format("{}/{}.pem", options_.folder, domain);
}

Status Domains::load() {
  if (!options_.directory.empty()) {
    RETURN_IF_ERROR(parts_.disk.make_dirs(options_.folder));
    ASSIGN_OR_RETURN(key_, AccountKey::load_or_make(parts_.disk, options_.folder + ".key"));
  }
  ASSIGN_OR_RETURN(std::vector<Mapping> mappings, catalog_.load());
  for (Mapping& mapping : mappings) {
    Entry& entry = entries_[mapping.domain];
    entry.mapping = std::move(mapping);
    if (const Status status = load_certificate(entry); !status) {
      log_error("a domain's certificate cannot be used",
                {{"domain", entry.mapping.domain}, {"why", status.error().message()}});
    }
    const Mapping& kept = entry.mapping;
    entry.renewal.restore(kept.failures, kept.retry_at);
    if (entry.certificate != nullptr) {
      parts_.listener.on_certificate(kept.domain, entry.certificate);
    }
  }
  parts_.listener.on_mappings();
  schedule();
  return {};
}

/// None is no error.
Status Domains::load_certificate(Entry& entry) {
  const std::string path = path_of(entry.mapping.domain);
  if (!parts_.disk.exists(path)) return {};
  ASSIGN_OR_RETURN(const std::string pem, tls::read_private_file(parts_.disk, path, kLargest));
  ASSIGN_OR_RETURN(tls::Certificate made, tls::Certificate::parse(pem, pem, {path, path}));
  entry.renewal.on_certificate({made.not_before(), made.not_after()}, parts_.entropy.next());
  entry.certificate = std::make_shared<const tls::Certificate>(std::move(made));
  return {};
}

void Domains::stop() {
  stopped_ = true;
  timer_.cancel();
  for (auto& [domain, entry] : entries_) {
    entry.ending.cancel();
    entry.order.reset();
  }
}

Status Domains::map(const std::string& domain, const std::string& service,
                    Certificates certificates) {
  if (!tls::is_host_name(domain) || domain.starts_with('*') || domain.find('.') == domain.npos) {
    return Error(
        Code::kInvalidArgument,
        fmt::format("'{}' is no domain; write one like api.example.org, in small letters", domain));
  }
  const auto found = entries_.find(domain);
  if (found == entries_.end() && entries_.size() >= kMostMappings) {
    return Error(Code::kResourceExhausted,
                 fmt::format("{} domains are mapped, and no more can be", entries_.size()));
  }
  Mapping mapping{
      .domain = domain,
      .service = service,
      .created = found == entries_.end() ? parts_.loop.wall_now() : found->second.mapping.created,
      .automatic = certificates == Certificates::kAutomatic};
  RETURN_IF_ERROR(catalog_.put(mapping));
  Entry& entry = entries_[domain];
  entry.mapping = std::move(mapping);
  entry.renewal.on_asked();
  parts_.listener.on_mappings();
  schedule();
  return {};
}

Status Domains::unmap(const std::string& domain) {
  const auto found = entries_.find(domain);
  if (found == entries_.end()) {
    return Error(Code::kNotFound, fmt::format("domain mapping '{}' is not there", domain));
  }
  RETURN_IF_ERROR(catalog_.remove(domain));
  if (found->second.order != nullptr) --orders_;
  entries_.erase(found);
  const std::string path = path_of(domain);
  if (parts_.disk.exists(path)) {
    const Status status = parts_.disk.remove_file(path);
    if (!status) log_warning("a certificate stays behind", {{"why", status.error().message()}});
  }
  parts_.listener.on_unmapped(domain);
  parts_.listener.on_mappings();
  schedule();
  return {};
}

bool Domains::wants_certificate(const Entry& entry) const {
  return key_.has_value() && entry.mapping.automatic;
}

Domains::View Domains::view_of(const Entry& entry) const {
  View view{.mapping = entry.mapping, .validity = std::nullopt, .issuer = ""};
  const auto& certificate = entry.certificate;
  if (certificate != nullptr) {
    view.validity = Validity{certificate->not_before(), certificate->not_after()};
    view.issuer = certificate->issuer();
    view.renewal = entry.renewal.due();
    view.state = View::State::kReady;
  } else if (wants_certificate(entry)) {
    view.state = entry.mapping.failures > 0 && entry.order == nullptr ? View::State::kFailed
                                                                      : View::State::kPending;
  }
  return view;
}

std::vector<Domains::View> Domains::list() const {
  std::vector<View> all;
  all.reserve(entries_.size());
  for (const auto& [domain, entry] : entries_) all.push_back(view_of(entry));
  return all;
}

Result<Domains::View> Domains::get(const std::string& domain) const {
  const auto found = entries_.find(domain);
  if (found != entries_.end()) return view_of(found->second);
  return Error(Code::kNotFound, fmt::format("domain mapping '{}' is not there", domain));
}

std::vector<const Mapping*> Domains::of_service(const std::string& service) const {
  std::vector<const Mapping*> found;
  for (const auto& [domain, entry] : entries_) {
    if (entry.mapping.service == service) found.push_back(&entry.mapping);
  }
  return found;
}

std::optional<std::string> Domains::challenge(std::string_view token) const {
  if (orders_ == 0 || token.empty()) return std::nullopt;
  for (const auto& [domain, entry] : entries_) {
    if (entry.order != nullptr && entry.order->core.token() == token) {
      return entry.order->core.key_authorization();
    }
  }
  return std::nullopt;
}

// ---- Orders ------------------------------------------------------------------------------------

/// Sets the timer for the next that is due.
void Domains::schedule() {
  timer_.cancel();
  if (stopped_ || orders_ >= kMostOrders) return;
  std::optional<WallTime> next;
  for (const auto& [domain, entry] : entries_) {
    if (!wants_certificate(entry) || entry.order != nullptr) continue;
    next = std::min(next.value_or(WallTime::max()), entry.renewal.due());
  }
  if (!next) return;
  const Duration wait = *next - parts_.loop.wall_now();
  timer_ = parts_.loop.after(std::clamp(wait, Duration::zero(), kLookAgain), [this] { look(); });
}

void Domains::look() {
  const WallTime now = parts_.loop.wall_now();
  for (auto& [domain, entry] : entries_) {
    if (orders_ >= kMostOrders) break;
    const bool is_due =
        wants_certificate(entry) && entry.order == nullptr && entry.renewal.due() <= now;
    if (is_due) begin(entry);
  }
  schedule();
}

void Domains::begin(Entry& entry) {
  const std::string& domain = entry.mapping.domain;
  auto request = make_signing_request(domain);
  if (!request) return fail(entry, request.error(), std::nullopt);
  log_info("asking for a certificate", {{"domain", domain}, {"server", options_.directory}});
  entry.order = std::make_unique<Order>(parts_, options_, *key_, domain, *std::move(request));
  ++orders_;
  go_on(entry, entry.order->core.begin());
}

void Domains::go_on(Entry& entry, AcmeStep step) {
  Order& order = *entry.order;
  if (const auto* request = std::get_if<AcmeRequest>(&step)) {
    order.calls.send(*request, [this, &entry](Result<AcmeAnswer> answer) {
      if (answer) return go_on(entry, entry.order->core.on_answer(*answer));
      go_on(entry, AcmeRefused{std::move(answer).error(), std::nullopt});
    });
  } else if (const auto* pause = std::get_if<AcmePause>(&step)) {
    order.pause = parts_.loop.after(
        pause->time, [this, &entry] { go_on(entry, entry.order->core.on_pause_over()); });
  } else {
    // Later: the order's own calls are what has led here.
    entry.ending = parts_.loop.after(
        Duration::zero(),
        [this, &entry, step = std::move(step)]() mutable { end(entry, std::move(step)); });
  }
}

void Domains::end(Entry& entry, AcmeStep step) {
  if (const auto* issued = std::get_if<AcmeIssued>(&step)) {
    if (const Status status = keep(entry, issued->chain); !status) {
      fail(entry, status.error(), std::nullopt);
    }
  } else if (const auto* refused = std::get_if<AcmeRefused>(&step)) {
    fail(entry, refused->error, refused->retry_after);
  }
  entry.order.reset();
  --orders_;
  schedule();
}

Status Domains::keep(Entry& entry, const std::string& chain) {
  Mapping& mapping = entry.mapping;
  const std::string where = "the certificate from " + options_.directory;
  const std::string& key = entry.order->request.key_pem;
  ASSIGN_OR_RETURN(tls::Certificate made, tls::Certificate::parse(chain, key, {where, "its key"}));
  RETURN_IF_ERROR(made.check_time(parts_.loop.wall_now(), {where, ""}));
  if (!made.covers(mapping.domain)) {
    return Error(Code::kInternal, fmt::format("{} is not for {}", where, mapping.domain));
  }
  // Both in one file, so that they always fit each other.
  RETURN_IF_ERROR(parts_.disk.write_file_durably(path_of(mapping.domain), key + chain));
  mapping.trouble.clear();
  mapping.failures = 0;
  mapping.retry_at = {};
  RETURN_IF_ERROR(catalog_.put(mapping));
  entry.renewal.on_certificate({made.not_before(), made.not_after()}, parts_.entropy.next());
  log_info("a domain has a new certificate", {{"domain", mapping.domain},
                                              {"until", format_rfc3339(made.not_after())},
                                              {"renewal", format_rfc3339(entry.renewal.due())}});
  entry.certificate = std::make_shared<const tls::Certificate>(std::move(made));
  parts_.listener.on_certificate(mapping.domain, entry.certificate);
  parts_.listener.on_mappings();
  return {};
}

void Domains::fail(Entry& entry, const Error& error, std::optional<Duration> retry_after) {
  Mapping& mapping = entry.mapping;
  entry.renewal.on_failure(parts_.loop.wall_now(), retry_after, parts_.entropy.next());
  mapping.trouble = error.message();
  mapping.failures = entry.renewal.failures();
  mapping.retry_at = entry.renewal.due();
  log_error("no certificate for a domain", {{"domain", mapping.domain},
                                            {"why", mapping.trouble},
                                            {"again", format_rfc3339(mapping.retry_at)}});
  if (const Status status = catalog_.put(mapping); !status) {
    log_error("a domain's state is not kept", {{"why", status.error().message()}});
  }
}

}  // namespace thaw::domains
