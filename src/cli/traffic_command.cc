// `thaw services update-traffic NAME`.
#include <fmt/format.h>

#include "cli/api.h"
#include "cli/deploy_wait.h"
#include "cli/handlers.h"
#include "cli/service_page.h"
#include "cli/traffic.h"
#include "spec/emit.h"
#include "spec/parse.h"

namespace thaw::cli {
namespace {

constexpr int kMostAttempts = 5;  // when others change the service at the same time

Outcome<spec::Service> try_to_store(Api& api, const Words& words) {
  const std::string path = services_path(words.arguments()[0]);
  ASSIGN_OR_RETURN(const Json before, api.get(path));
  ASSIGN_OR_RETURN(spec::Service service, spec::service_from_json(before));
  ASSIGN_OR_RETURN(const Traffic traffic, update_traffic(words, Traffic::of(service.traffic)));
  service.traffic = traffic.targets();
  ASSIGN_OR_RETURN(const Json stored, api.put(path, spec::to_json(service)));
  ASSIGN_OR_RETURN(service, spec::service_from_json(stored));
  return service;
}

}  // namespace

Outcome<ExitCode> update_traffic_command(Context& context, const Words& words) {
  if (words.given_own_flags().empty()) {
    return usage_failure("nothing to change: give --to-latest, --to-revisions, --to-tags or tags");
  }
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  auto stored = try_to_store(api, words);
  for (int attempt = 1; !stored && attempt < kMostAttempts; ++attempt) {
    if (stored.error().error.code() != Code::kAborted) break;
    stored = try_to_store(api, words);
  }
  ASSIGN_OR_RETURN(spec::Service service, std::move(stored));
  ASSIGN_OR_RETURN(service, wait_until_ready(context, api, std::move(service)));
  if (context.json()) return context.print_json(spec::to_json(service));
  const PageFormat format{.width = 100, .style = context.out};
  return context.print(labelled("Traffic", traffic_text(service.status), format));
}

}  // namespace thaw::cli
