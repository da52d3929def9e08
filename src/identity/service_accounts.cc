#include "identity/service_accounts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace thaw::identity {
namespace {

constexpr size_t kLongestText = 256;

Error no_account(std::string_view email) {
  return {Code::kNotFound, fmt::format("Service account {:.260} does not exist.", email)};
}

bool is_account_id(std::string_view id) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return id.size() >= 6 && id.size() <= 30 && id[0] >= 'a' && id[0] <= 'z' && id.back() != '-' &&
         std::ranges::all_of(id, is_plain);
}

/// Project ids, also those with a domain ("example.com:p" gives no address and is refused).
bool is_project(std::string_view name) {
  return !name.empty() && name.size() <= 63 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Status check_text(std::string_view field, const std::string& text) {
  const bool has_control = std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (text.size() <= kLongestText && is_utf8(text) && !has_control) return {};
  return Error(Code::kInvalidArgument,
               fmt::format("{}: at most {} bytes of text without control characters are wanted",
                           field, kLongestText));
}

Json key_file(const ServiceAccount& account, const std::string& id, const std::string& pem,
              const std::string& token_url) {
  return Json::object({{"type", "service_account"},
                       {"project_id", account.project},
                       {"private_key_id", id},
                       {"private_key", pem},
                       {"client_email", account.email},
                       {"client_id", account.unique_id},
                       {"token_uri", token_url},
                       {"universe_domain", "googleapis.com"}});
}

}  // namespace

ServiceAccounts::ServiceAccounts(Parts parts) : parts_(parts) {}

Status ServiceAccounts::load() {
  auto rows = parts_.database.query(
      "SELECT email, project, unique_id, display_name, description FROM service_accounts");
  while (true) {
    ASSIGN_OR_RETURN(const bool more, rows.next());
    if (!more) break;
    ServiceAccount account{.email = std::string(rows.text(0)),
                           .project = std::string(rows.text(1)),
                           .unique_id = std::string(rows.text(2)),
                           .display_name = std::string(rows.text(3)),
                           .description = std::string(rows.text(4))};
    std::string email = account.email;
    accounts_[std::move(email)].shown = std::move(account);
  }
  auto keys = parts_.database.query(
      "SELECT id, email, public_key, created FROM service_account_keys ORDER BY created, id");
  while (true) {
    ASSIGN_OR_RETURN(const bool more, keys.next());
    if (!more) return {};
    const std::string id(keys.text(0));
    auto half = PublicKey::from_pem(keys.text(2));
    const auto created = parse_rfc3339(keys.text(3));
    if (!half || !created) {
      return Error(Code::kDataLoss,
                   fmt::format("service_account_keys: the row of key {} cannot be read", id));
    }
    const auto account = accounts_.find(keys.text(1));
    if (account == accounts_.end()) continue;
    account->second.keys.push_back({{id, *created}, *std::move(half)});
  }
}

std::string ServiceAccounts::digits(int count, int base) const {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += "0123456789abcdef"[parts_.entropy.next() % static_cast<uint64_t>(base)];
  }
  return text;
}

Result<ServiceAccount> ServiceAccounts::create(const Wish& wish) {
  if (!is_project(wish.project)) {
    return Error(Code::kInvalidArgument,
                 fmt::format("project: '{:.80}': 1 to 63 small letters, digits and '-' are wanted",
                             wish.project));
  }
  if (!is_account_id(wish.id)) {
    return Error(Code::kInvalidArgument,
                 fmt::format("accountId: '{:.80}': 6 to 30 small letters, digits and '-' are "
                             "wanted, a letter first",
                             wish.id));
  }
  RETURN_IF_ERROR(check_text("serviceAccount.displayName", wish.display_name));
  RETURN_IF_ERROR(check_text("serviceAccount.description", wish.description));
  ServiceAccount account{
      .email = fmt::format("{}@{}.iam.gserviceaccount.com", wish.id, wish.project),
      .project = wish.project,
      .unique_id = "1" + digits(20, 10),
      .display_name = wish.display_name,
      .description = wish.description};
  if (accounts_.contains(account.email)) {
    return Error(Code::kAlreadyExists,
                 fmt::format("Service account {} already exists.", account.email));
  }
  if (accounts_.size() >= kMostAccounts) {
    return Error(Code::kResourceExhausted,
                 fmt::format("there are {} service accounts; delete some", kMostAccounts));
  }
  RETURN_IF_ERROR(parts_.database
                      .query("INSERT INTO service_accounts(email, project, unique_id, "
                             "display_name, description) VALUES(?, ?, ?, ?, ?)")
                      .bind(account.email)
                      .bind(account.project)
                      .bind(account.unique_id)
                      .bind(account.display_name)
                      .bind(account.description)
                      .run());
  accounts_[account.email].shown = account;
  return account;
}

Result<const ServiceAccounts::Account*> ServiceAccounts::find(std::string_view email) const {
  const auto found = accounts_.find(email);
  if (found == accounts_.end()) return no_account(email);
  return &found->second;
}

Result<ServiceAccount> ServiceAccounts::account(std::string_view email) const {
  ASSIGN_OR_RETURN(const Account* account, find(email));
  return account->shown;
}

std::vector<ServiceAccount> ServiceAccounts::accounts(std::string_view project) const {
  std::vector<ServiceAccount> all;
  for (const auto& [email, account] : accounts_) {
    if (account.shown.project == project) all.push_back(account.shown);
  }
  return all;
}

Result<ServiceAccount> ServiceAccounts::update(std::string_view email, const Shown& shown) {
  const auto found = accounts_.find(email);
  if (found == accounts_.end()) return no_account(email);
  ServiceAccount changed = found->second.shown;
  if (shown.display_name) changed.display_name = *shown.display_name;
  if (shown.description) changed.description = *shown.description;
  RETURN_IF_ERROR(check_text("serviceAccount.displayName", changed.display_name));
  RETURN_IF_ERROR(check_text("serviceAccount.description", changed.description));
  RETURN_IF_ERROR(
      parts_.database
          .query("UPDATE service_accounts SET display_name=?, description=? WHERE email=?")
          .bind(changed.display_name)
          .bind(changed.description)
          .bind(email)
          .run());
  found->second.shown = changed;
  return changed;
}

Status ServiceAccounts::remove(std::string_view email) {
  const auto found = accounts_.find(email);
  if (found == accounts_.end()) return no_account(email);
  RETURN_IF_ERROR(
      parts_.database.query("DELETE FROM service_accounts WHERE email=?").bind(email).run());
  accounts_.erase(found);
  return {};
}

void ServiceAccounts::create_key(const std::string& email, const std::string& token_url,
                                 std::function<void(Result<MadeKey>)> done) {
  const auto account = find(email);
  if (!account) return done(account.error());
  struct Making {
    Result<SigningKey> key{Error(Code::kUnavailable, "too much work waits; try again later")};
    std::function<void(Result<MadeKey>)> done;
  };
  const auto making = std::make_shared<Making>();
  making->done = std::move(done);
  const auto finish = [this, email, token_url, making, weak = std::weak_ptr<int>(alive_)] {
    if (weak.expired()) return;
    const auto attempt = [&]() -> Result<MadeKey> {
      ASSIGN_OR_RETURN(const SigningKey key, std::move(making->key));
      ASSIGN_OR_RETURN(const Account* owner, find(email));
      if (owner->keys.size() >= kMostKeys) {
        return Error(Code::kResourceExhausted,
                     fmt::format("{} has {} keys; delete one", email, kMostKeys));
      }
      const AccountKey shown{.id = digits(40, 16), .created = parts_.clock.wall_now()};
      ASSIGN_OR_RETURN(const std::string secret, key.private_pem());
      ASSIGN_OR_RETURN(const std::string open, key.public_pem());
      RETURN_IF_ERROR(keep_key(email, shown, open));
      return MadeKey{shown, key_file(owner->shown, shown.id, secret, token_url).dump()};
    };
    making->done(attempt());
  };
  const Status queued = parts_.worker.run([making] { making->key = SigningKey::make(); }, finish);
  if (!queued) finish();
}

Status ServiceAccounts::keep_key(const std::string& email, const AccountKey& key,
                                 const std::string& public_pem) {
  ASSIGN_OR_RETURN(PublicKey half, PublicKey::from_pem(public_pem));
  RETURN_IF_ERROR(parts_.database
                      .query("INSERT INTO service_account_keys(id, email, public_key, created) "
                             "VALUES(?, ?, ?, ?)")
                      .bind(key.id)
                      .bind(email)
                      .bind(public_pem)
                      .bind(format_rfc3339(key.created))
                      .run());
  accounts_[email].keys.push_back({key, std::move(half)});
  return {};
}

Result<std::vector<AccountKey>> ServiceAccounts::keys(std::string_view email) const {
  ASSIGN_OR_RETURN(const Account* account, find(email));
  std::vector<AccountKey> all;
  for (const Key& key : account->keys) all.push_back(key.shown);
  return all;
}

Status ServiceAccounts::remove_key(std::string_view email, std::string_view id) {
  const auto found = accounts_.find(email);
  if (found == accounts_.end()) return no_account(email);
  std::vector<Key>& keys = found->second.keys;
  const auto key = std::ranges::find_if(keys, [&](const Key& k) { return k.shown.id == id; });
  if (key == keys.end()) {
    return Error(Code::kNotFound, fmt::format("Key {:.80} of {} does not exist.", id, email));
  }
  RETURN_IF_ERROR(
      parts_.database.query("DELETE FROM service_account_keys WHERE id=?").bind(id).run());
  keys.erase(key);
  return {};
}

ServiceAccounts::Verdict ServiceAccounts::judge(std::string_view email, std::string_view text,
                                                std::string_view signature) const {
  const auto found = accounts_.find(email);
  if (found == accounts_.end() || found->second.keys.empty()) return Verdict::kUnknownAccount;
  const bool is_good = std::ranges::any_of(
      found->second.keys, [&](const Key& key) { return key.half.verifies(text, signature); });
  return is_good ? Verdict::kGood : Verdict::kWrong;
}

}  // namespace thaw::identity
