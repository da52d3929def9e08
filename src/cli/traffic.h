// Traffic: shares and tags of a service's revisions, and how `gcloud run services update-traffic`
// changes them.
//
// Thread: any. Owner: values. Limits: percents are whole; all shares sum to 100.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/outcome.h"
#include "cli/words.h"
#include "spec/service.h"

namespace thaw::cli {

/// Stands for the latest ready revision, whichever it is.
inline constexpr std::string_view kLatest = "LATEST";

/// Shares and tags apart, each by revision name or kLatest.
struct Traffic {
  std::map<std::string, int> percents;
  std::map<std::string, std::string> tags;  // from tag to revision

  static Traffic of(const std::vector<spec::TrafficTarget>& targets);
  /// One target for each share, then one for each tag.
  std::vector<spec::TrafficTarget> targets() const;
};

/// Gives the named revisions their shares; the others divide the rest as they did before, by the
/// largest remainder. kUsage: a share that is no whole number from 0 to 100, more than 100
/// together, or less than 100 with nobody to take the rest.
Outcome<Traffic> assign(Traffic traffic, const std::map<std::string, int>& wanted);

/// What the words of `thaw services update-traffic` make of it.
Outcome<Traffic> update_traffic(const Words& words, Traffic traffic);

}  // namespace thaw::cli
