// `thaw service-accounts`: accounts of programs and their key files.
#include <fmt/format.h>

#include "base/base64.h"
#include "cli/account_handlers.h"
#include "cli/api.h"
#include "cli/table.h"
#include "http/query.h"

namespace thaw::cli {
namespace {

std::string accounts_path(std::string_view project) {
  return fmt::format("/v1/projects/{}/serviceAccounts", http::percent_encode(project));
}

std::string account_path(std::string_view email) {
  return accounts_path("-") + "/" + http::percent_encode(email);
}

std::string_view project_of(const Words& words) { return words.value("project").value_or("thaw"); }

/// The last part of "projects/P/serviceAccounts/E/keys/ID".
std::string id_of(const Json& key) {
  const std::string name = key.string_or("name");
  return name.substr(name.rfind('/') + 1);
}

/// --account, which these commands need.
Outcome<std::string> account_of(const Words& words) {
  const auto account = words.value("account");
  if (!account) return usage_failure("--account is missing: the service account's address");
  return std::string(*account);
}

}  // namespace

Outcome<ExitCode> accounts_create_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  Json shown = Json::object();
  if (const auto name = words.value("display-name")) shown.set("displayName", *name);
  if (const auto text = words.value("description")) shown.set("description", *text);
  const Json wish =
      Json::object({{"accountId", words.arguments()[0]}, {"serviceAccount", std::move(shown)}});
  ASSIGN_OR_RETURN(const Json made, api.post(accounts_path(project_of(words)), wish));
  if (context.json()) return context.print_json(made);
  return context.print(fmt::format("Created service account [{}].\n", made.string_or("email")));
}

Outcome<ExitCode> accounts_list_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  ASSIGN_OR_RETURN(const Json answer, api.get(accounts_path(project_of(words))));
  const Json& accounts = answer["accounts"];
  if (context.json()) return context.print_json(accounts);
  if (!accounts.is_array() || accounts.as_array().empty()) {
    context.note("No service accounts; 'thaw service-accounts create' makes one.");
    return ExitCode::kOk;
  }
  Table table({{.title = "EMAIL"}, {.title = "DISPLAY NAME", .may_shrink = true}});
  for (const Json& account : accounts.as_array()) {
    table.add_row({account.string_or("email"), account.string_or("displayName")});
  }
  return context.print(table.text(context.table_width(), context.out));
}

Outcome<ExitCode> accounts_delete_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  Json deleted = Json::array();
  for (const std::string_view email : words.arguments()) {
    RETURN_IF_ERROR(api.remove(account_path(email)));
    deleted.push_back(email);
    if (!context.json()) {
      RETURN_IF_ERROR(context.print(fmt::format("Deleted service account [{}].\n", email)));
    }
  }
  return context.json() ? context.print_json(Json::object({{"deleted", deleted}})) : ExitCode::kOk;
}

Outcome<ExitCode> account_keys_create_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(const std::string account, account_of(words));
  const std::string path(words.arguments()[0]);
  if (context.ports.disk().exists(path)) {
    return usage_failure(path + ": is there already; name a new file, a key is never overwritten");
  }
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  ASSIGN_OR_RETURN(const Json made, api.post(account_path(account) + "/keys", Json::object()));
  const auto file = from_base64(made.string_or("privateKeyData"));
  if (!file) return Failure(Error(Code::kInternal, "the API's answer has no key file"));
  // Its mode is 0600.
  if (const Status written = context.ports.disk().write_file_durably(path, *file + "\n");
      !written) {
    return Failure(written.error());
  }
  if (context.json()) {
    return context.print_json(
        Json::object({{"name", made.string_or("name")}, {"file", path}, {"account", account}}));
  }
  return context.print(fmt::format(
      "Created key [{}] of [{}] as [{}].\nIt is a secret, and it cannot be had again.\n",
      id_of(made), account, path));
}

Outcome<ExitCode> account_keys_list_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(const std::string account, account_of(words));
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  ASSIGN_OR_RETURN(const Json answer, api.get(account_path(account) + "/keys"));
  const Json& keys = answer["keys"];
  if (context.json()) return context.print_json(keys);
  Table table({{.title = "KEY"}, {.title = "CREATED"}});
  if (keys.is_array()) {
    for (const Json& key : keys.as_array()) {
      table.add_row({id_of(key), key.string_or("validAfterTime")});
    }
  }
  return context.print(table.text(context.table_width(), context.out));
}

Outcome<ExitCode> account_keys_delete_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(const std::string account, account_of(words));
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  Json deleted = Json::array();
  for (const std::string_view key : words.arguments()) {
    RETURN_IF_ERROR(api.remove(account_path(account) + "/keys/" + http::percent_encode(key)));
    deleted.push_back(key);
    if (!context.json()) {
      RETURN_IF_ERROR(context.print(fmt::format("Deleted key [{}].\n", key)));
    }
  }
  return context.json() ? context.print_json(Json::object({{"deleted", deleted}})) : ExitCode::kOk;
}

}  // namespace thaw::cli
