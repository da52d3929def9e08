// ServiceAccounts: accounts of programs and the public halves of their keys, kept in the state
// database; whose signature a text carries.
//
// A key's private half is in the file that its maker is given, in Google's JSON form, and nowhere
// else. Errors: kNotFound, kAlreadyExists, kInvalidArgument names the field, kResourceExhausted a
// limit.
// Thread: the loop's; keys are made on the worker, which takes some 100 ms. Owner: everything in
// Parts outlives it. Limits: kMostAccounts accounts, kMostKeys keys of each.
// Source: the IAM API's resources (google.iam.admin.v1).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "identity/signing_key.h"
#include "io/clock.h"
#include "io/entropy.h"
#include "io/worker.h"
#include "store/database.h"

namespace thaw::identity {

struct ServiceAccount {
  std::string email;  // "worker@my-project.iam.gserviceaccount.com"
  std::string project;
  std::string unique_id;  // 21 digits
  std::string display_name;
  std::string description;
};

struct AccountKey {
  std::string id;  // 40 hex digits
  WallTime created{};
};

class ServiceAccounts {
 public:
  static constexpr size_t kMostAccounts = 1000;
  static constexpr size_t kMostKeys = 10;

  struct Parts {
    store::Database& database;
    io::Clock& clock;
    io::Entropy& entropy;
    io::Worker& worker;
  };
  explicit ServiceAccounts(Parts parts);

  /// Reads what is kept. kDataLoss names a row that cannot be read.
  Status load();

  /// `id`: 6 to 30 of [a-z0-9-], a letter first; the address is
  /// "ID@PROJECT.iam.gserviceaccount.com".
  struct Wish {
    std::string project;
    std::string id;
    std::string display_name;
    std::string description;
  };
  Result<ServiceAccount> create(const Wish& wish);
  Result<ServiceAccount> account(std::string_view email) const;
  std::vector<ServiceAccount> accounts(std::string_view project) const;
  /// What is not given stays.
  struct Shown {
    std::optional<std::string> display_name;
    std::optional<std::string> description;
  };
  Result<ServiceAccount> update(std::string_view email, const Shown& shown);
  /// With all its keys.
  Status remove(std::string_view email);

  /// `file`: the key file, a secret. `token_url`: where clients exchange it for tokens.
  struct MadeKey {
    AccountKey key;
    std::string file;
  };
  void create_key(const std::string& email, const std::string& token_url,
                  std::function<void(Result<MadeKey>)> done);
  Result<std::vector<AccountKey>> keys(std::string_view email) const;
  Status remove_key(std::string_view email, std::string_view id);

  enum class Verdict { kGood, kWrong, kUnknownAccount };
  /// Whether one of the account's keys made the signature. kUnknownAccount: it has none.
  Verdict judge(std::string_view email, std::string_view text, std::string_view signature) const;

 private:
  struct Key {
    AccountKey shown;
    PublicKey half;
  };
  struct Account {
    ServiceAccount shown;
    std::vector<Key> keys;
  };
  Result<const Account*> find(std::string_view email) const;
  Status keep_key(const std::string& email, const AccountKey& key, const std::string& public_pem);
  std::string digits(int count, int base) const;

  Parts parts_;
  std::map<std::string, Account, std::less<>> accounts_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace thaw::identity
