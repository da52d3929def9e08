// `thaw env`: points Google's clients at this platform.
#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "cli/api.h"
#include "cli/handlers.h"
#include "cli/service_page.h"

namespace thaw::cli {
namespace {

using Variable = std::pair<std::string_view, std::string>;

/// gcloud puts the region before the host of an override, which no loopback address bears; so it
/// gets a host that nobody looks up, because the API is its proxy too.
constexpr std::string_view kHost = "http://run.local/";

std::array<Variable, 15> variables(const io::SocketAddress& api) {
  return {{{"CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN", std::string(kHost)},
           {"CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER", std::string(kHost)},
           {"CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB", fmt::format("http://{}/", api.str())},
           {"CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE", fmt::format("http://{}/", api.str())},
           {"CLOUDSDK_STORAGE_GS_XML_ENDPOINT_URL", fmt::format("http://{}", api.str())},
           {"CLOUDSDK_API_ENDPOINT_OVERRIDES_IAM", fmt::format("http://{}/", api.str())},
           {"CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS", fmt::format("http://{}/", api.str())},
           {"STORAGE_EMULATOR_HOST", fmt::format("http://{}", api.str())},
           {"CLOUDSDK_PROXY_TYPE", "http"},
           {"CLOUDSDK_PROXY_ADDRESS", api.ip},
           {"CLOUDSDK_PROXY_PORT", std::to_string(api.port)},
           {"CLOUDSDK_AUTH_ACCESS_TOKEN", "thaw"},
           {"CLOUDSDK_CORE_PROJECT", "thaw"},
           {"CLOUDSDK_CORE_SHOULD_PROMPT_TO_ENABLE_API", "false"},
           {"CLOUDSDK_RUN_REGION", "local"}}};
}

constexpr Duration kPatience = seconds(2);

/// What gsutil is to be told where the API has a port with TLS: the file with its address, and the
/// root to be trusted, which gcloud's setting of the same would replace. A platform that does not
/// run, or has no such port, is no error: the other variables need neither.
std::array<Variable, 2> for_gsutil(const Json& endpoints) {
  return {{{"BOTO_CONFIG", endpoints.string_or("boto")},
           {"CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE", endpoints.string_or("authority")}}};
}

Json endpoints_of(Context& context) {
  auto opened = Api::open(context);
  if (!opened) return Json::object();
  opened->set_timeout(kPatience);
  auto endpoints = opened->get(thaw_path("endpoints"));
  return endpoints ? *std::move(endpoints) : Json::object();
}

}  // namespace

Outcome<ExitCode> env_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(const io::SocketAddress api, api_address(context));
  const auto fixed = variables(api);
  std::vector<Variable> all(fixed.begin(), fixed.end());
  const Json endpoints = words.given("unset") ? Json::object() : endpoints_of(context);
  if (words.given("unset") || endpoints.find("boto") != nullptr) {
    for (Variable& each : for_gsutil(endpoints)) all.push_back(std::move(each));
  }
  if (context.json()) {
    Json object = Json::object();
    for (const auto& [name, value] : all) object.set(std::string(name), value);
    return context.print_json(object);
  }
  std::string text;
  for (const auto& [name, value] : all) {
    text += words.given("unset") ? fmt::format("unset {}\n", name)
                                 : fmt::format("export {}={}\n", name, shell_word(value));
  }
  return context.print(text);
}

}  // namespace thaw::cli
