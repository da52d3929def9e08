// `thaw env`: points Google's clients at this platform.
#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>

#include "cli/api.h"
#include "cli/handlers.h"

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

}  // namespace

Outcome<ExitCode> env_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(const io::SocketAddress api, api_address(context));
  const auto all = variables(api);
  if (context.json()) {
    Json object = Json::object();
    for (const auto& [name, value] : all) object.set(std::string(name), value);
    return context.print_json(object);
  }
  std::string text;
  for (const auto& [name, value] : all) {
    text += words.given("unset") ? fmt::format("unset {}\n", name)
                                 : fmt::format("export {}={}\n", name, value);
  }
  return context.print(text);
}

}  // namespace thaw::cli
