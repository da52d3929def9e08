#include "api/service_accounts_v1.h"

#include <fmt/format.h>

#include <utility>

#include "api/reply.h"
#include "api/token_v1.h"
#include "base/base64.h"

namespace thaw::api {
namespace {

using identity::AccountKey;
using identity::ServiceAccount;
using identity::ServiceAccounts;

constexpr std::string_view kFile = "TYPE_GOOGLE_CREDENTIALS_FILE";
constexpr size_t kLargestBlob = 64 << 10;

std::string name_of(const ServiceAccount& account) {
  return fmt::format("projects/{}/serviceAccounts/{}", account.project, account.email);
}

Json account_json(const ServiceAccount& account) {
  Json json = Json::object({{"name", name_of(account)},
                            {"projectId", account.project},
                            {"uniqueId", account.unique_id},
                            {"email", account.email},
                            {"oauth2ClientId", account.unique_id}});
  if (!account.display_name.empty()) json.set("displayName", account.display_name);
  if (!account.description.empty()) json.set("description", account.description);
  return json;
}

Json key_json(const ServiceAccount& account, const AccountKey& key) {
  return Json::object({{"name", fmt::format("{}/keys/{}", name_of(account), key.id)},
                       {"keyAlgorithm", "KEY_ALG_RSA_2048"},
                       {"keyOrigin", "GOOGLE_PROVIDED"},
                       {"keyType", "USER_MANAGED"},
                       {"validAfterTime", format_rfc3339(key.created)},
                       {"validBeforeTime", "9999-12-31T23:59:59Z"}});
}

http::Response create(ServiceAccounts& accounts, const Call& call) {
  const auto body = Json::parse(call.request.body);
  if (!body) return error_reply(body.error());
  const Json& shown = (*body)["serviceAccount"];
  const auto made = accounts.create({.project = call.path.at("project"),
                                     .id = body->string_or("accountId"),
                                     .display_name = shown.string_or("displayName"),
                                     .description = shown.string_or("description")});
  return made ? json_reply(account_json(*made)) : error_reply(made.error());
}

http::Response list(const ServiceAccounts& accounts, const Call& call) {
  Json all = Json::array();
  for (const ServiceAccount& account : accounts.accounts(call.path.at("project"))) {
    all.push_back(account_json(account));
  }
  return json_reply(Json::object({{"accounts", std::move(all)}}));
}

http::Response get(const ServiceAccounts& accounts, const Call& call) {
  const auto account = accounts.account(call.path.at("account"));
  return account ? json_reply(account_json(*account)) : error_reply(account.error());
}

/// As gcloud and Google's libraries call it; without a mask what is given is taken.
http::Response update(ServiceAccounts& accounts, const Call& call) {
  const auto body = Json::parse(call.request.body);
  if (!body) return error_reply(body.error());
  const std::string mask = "," + body->string_or("updateMask") + ",";
  const Json& shown = (*body)["serviceAccount"];
  if (!shown.is_object()) {
    return error_reply(Error(Code::kInvalidArgument, "serviceAccount: an object is wanted"));
  }
  const auto take = [&](const std::string& name, const std::string& snake,
                        std::optional<std::string>& to) {
    const bool is_masked = mask.find("," + name + ",") != std::string::npos ||
                           mask.find("," + snake + ",") != std::string::npos;
    if (mask == ",," ? shown.find(name) != nullptr : is_masked) to = shown.string_or(name);
  };
  ServiceAccounts::Shown changed;
  take("displayName", "display_name", changed.display_name);
  take("description", "description", changed.description);
  const auto account = accounts.update(call.path.at("account"), changed);
  return account ? json_reply(account_json(*account)) : error_reply(account.error());
}

http::Response done(const Status& status) {
  return status ? json_reply(Json::object()) : error_reply(status.error());
}

http::Response list_keys(const ServiceAccounts& accounts, const Call& call) {
  const auto account = accounts.account(call.path.at("account"));
  if (!account) return error_reply(account.error());
  Json all = Json::array();
  const auto keys = accounts.keys(account->email);
  if (call.query("keyTypes") != "SYSTEM_MANAGED") {
    for (const AccountKey& key : *keys) all.push_back(key_json(*account, key));
  }
  return json_reply(Json::object({{"keys", std::move(all)}}));
}

http::Response get_key(const ServiceAccounts& accounts, const Call& call) {
  const auto account = accounts.account(call.path.at("account"));
  if (!account) return error_reply(account.error());
  const auto keys = accounts.keys(account->email);
  for (const AccountKey& key : *keys) {
    if (key.id == call.path.at("key")) return json_reply(key_json(*account, key));
  }
  return error_reply(Error(Code::kNotFound, fmt::format("Key {:.80} of {} does not exist.",
                                                        call.path.at("key"), account->email)));
}

void create_key(ServiceAccounts& accounts, const identity::Guard& guard, const Call& call,
                http::Responder responder) {
  const auto shared = std::make_shared<http::Responder>(std::move(responder));
  const auto body = Json::parse(call.request.body.empty() ? "{}" : call.request.body);
  if (!body) return shared->answer(error_reply(body.error()));
  const std::string type = body->string_or("privateKeyType", std::string(kFile));
  if (type != kFile && type != "TYPE_UNSPECIFIED") {
    return shared->answer(error_reply(
        Error(Code::kUnimplemented,
              fmt::format("privateKeyType: '{:.60}': only {} is given here", type, kFile))));
  }
  const auto account = accounts.account(call.path.at("account"));
  if (!account) return shared->answer(error_reply(account.error()));
  accounts.create_key(account->email, guard.issuer() + std::string(kTokenPath),
                      [shared, account = *account](const Result<ServiceAccounts::MadeKey>& made) {
                        if (!made) return shared->answer(error_reply(made.error()));
                        Json json = key_json(account, made->key);
                        json.set("privateKeyType", kFile);
                        json.set("privateKeyData", base64(made->file));
                        shared->answer(json_reply(json));
                      });
}

/// With the platform's key, which stands for every account here.
http::Response sign_blob(const identity::Guard& guard, const Call& call) {
  const auto body = Json::parse(call.request.body);
  if (!body) return error_reply(body.error());
  const auto payload = from_base64(body->string_or("payload"));
  if (!payload || payload->empty() || payload->size() > kLargestBlob) {
    return error_reply(
        Error(Code::kInvalidArgument, "payload: 1 byte to 64 KiB in base64 are wanted"));
  }
  const auto signature = guard.key().sign(*payload);
  if (!signature) return error_reply(signature.error());
  return json_reply(
      Json::object({{"keyId", guard.key().id()}, {"signedBlob", base64(*signature)}}));
}

}  // namespace

std::vector<Route> service_accounts_v1_routes(ServiceAccounts& accounts, identity::Guard& guard) {
  const std::string all = "/v1/projects/{project}/serviceAccounts";
  const std::string one = all + "/{account}";
  const std::string key = one + "/keys/{key}";
  const auto answer = [](auto make) {
    return [make](const Call& call, http::Responder responder) { responder.answer(make(call)); };
  };
  return {
      {"POST", all, {}, "make a service account", answer([&](const Call& call) {
         return create(accounts, call);
       })},
      {"GET",
       all,
       {"pageSize", "pageToken"},
       "a project's service accounts",
       answer([&](const Call& call) { return list(accounts, call); })},
      {"GET", one, {}, "a service account", answer([&](const Call& call) {
         return get(accounts, call);
       })},
      {"PATCH",
       one,
       {},
       "change a service account's display name and description",
       answer([&](const Call& call) { return update(accounts, call); })},
      {"DELETE", one, {}, "delete a service account and its keys", answer([&](const Call& call) {
         return done(accounts.remove(call.path.at("account")));
       })},
      {"POST",
       one + "/keys",
       {},
       "make a key; the answer has the key file, once",
       [&](const Call& call, http::Responder responder) {
         create_key(accounts, guard, call, std::move(responder));
       }},
      {"GET",
       one + "/keys",
       {"keyTypes"},
       "a service account's keys, without their secrets",
       answer([&](const Call& call) { return list_keys(accounts, call); })},
      {"GET", key, {"publicKeyType"}, "a key", answer([&](const Call& call) {
         return get_key(accounts, call);
       })},
      {"DELETE",
       key,
       {},
       "delete a key; what it signed is refused from now on",
       answer([&](const Call& call) {
         return done(accounts.remove_key(call.path.at("account"), call.path.at("key")));
       })},
      {"POST",
       one + ":signBlob",
       {},
       "`payload`, signed for the account by the platform's key",
       answer([&](const Call& call) { return sign_blob(guard, call); })},
  };
}

}  // namespace thaw::api
