// Domains: names of one's own that lead to services, and their certificates by ACME.
//
// A mapping is kept before it holds. Where an ACME server is set, each mapped domain gets a
// certificate from it, by HTTP-01, kept beside its key in one file, and a new one in time; see
// renewal.h for when. What fails is tried again and told of in the mapping.
// Thread: the loop's. Owner: the parts outlive it; the listener's callbacks may call it.
// Limits: kMostMappings; kMostOrders at once, the others wait.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domains/account_key.h"
#include "domains/acme_calls.h"
#include "domains/catalog.h"
#include "domains/renewal.h"
#include "io/disk.h"
#include "io/entropy.h"
#include "tls/certificates.h"

namespace thaw::domains {

/// Who wants to know.
class Listener {
 public:
  /// Domains lead elsewhere than before.
  virtual void on_mappings() = 0;
  virtual void on_certificate(const std::string& domain, tls::SharedCertificate certificate) = 0;
  virtual void on_unmapped(const std::string& domain) = 0;

 protected:
  ~Listener() = default;
};

class Domains {
 public:
  struct Options {
    std::string folder;     // of certificates; the account's key is beside it, in FOLDER.key
    std::string directory;  // the ACME server's; "": none
    std::string email;      // for its account; ""
  };
  struct Parts {
    io::Net& net;
    io::Loop& loop;
    io::Disk& disk;
    io::Entropy& entropy;
    Names& names;
    store::Database& database;
    Listener& listener;
    const tls::ClientContext* roots = nullptr;  // set where there is a directory
  };
  Domains(Parts parts, Options options);
  ~Domains();

  /// Reads what is kept; tells the listener of each certificate.
  Status load();
  /// No more orders.
  void stop();

  enum class Certificates { kAutomatic, kNone };
  /// Also moves a domain to another service, or asks again for a certificate that failed.
  /// kInvalidArgument: no host name; kResourceExhausted: kMostMappings.
  Status map(const std::string& domain, const std::string& service, Certificates certificates);
  /// kNotFound.
  Status unmap(const std::string& domain);

  struct View {
    Mapping mapping;
    enum class State {
      kNone,     // no ACME server is set, or none is wanted
      kPending,  // the first is being asked for, or waits for its turn
      kReady,
      kFailed,  // the first could not be had; tried again at mapping.retry_at
    } state = State::kNone;
    // Once there is a certificate:
    std::optional<Validity> validity;
    std::string issuer;
    WallTime renewal{};
  };
  /// Sorted by domain.
  std::vector<View> list() const;
  Result<View> get(const std::string& domain) const;

  /// The mappings that lead to a service.
  std::vector<const Mapping*> of_service(const std::string& service) const;
  /// What is to be answered at /.well-known/acme-challenge/TOKEN; nothing for others' tokens.
  std::optional<std::string> challenge(std::string_view token) const;

 private:
  static constexpr size_t kMostMappings = 10'000;
  static constexpr size_t kMostOrders = 4;
  struct Order;
  struct Entry {
    Mapping mapping;
    Renewal renewal;
    tls::SharedCertificate certificate;
    std::unique_ptr<Order> order;
    io::Timer ending;  // of the order, in a turn of its own
  };

  std::string path_of(const std::string& domain) const;
  Status load_certificate(Entry& entry);
  View view_of(const Entry& entry) const;
  bool wants_certificate(const Entry& entry) const;
  void schedule();
  void look();
  void begin(Entry& entry);
  void go_on(Entry& entry, AcmeStep step);
  void end(Entry& entry, AcmeStep step);
  Status keep(Entry& entry, const std::string& chain);
  void fail(Entry& entry, const Error& error, std::optional<Duration> retry_after);

  Parts parts_;
  Options options_;
  Catalog catalog_;
  std::optional<AccountKey> key_;
  std::map<std::string, Entry> entries_;  // by domain; their addresses stay
  size_t orders_ = 0;
  bool stopped_ = false;
  io::Timer timer_;
};

}  // namespace thaw::domains
